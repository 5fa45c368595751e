"""MNIST and its likes, from files here or else from the network.

`GALLERY_DATA=<folder>` names a folder with, for the dataset `mnist`, one of

    <folder>/mnist/train-images-idx3-ubyte.gz   and t10k-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz,
                                                t10k-labels-idx1-ubyte.gz; each packed or not
    <folder>/mnist/mnist.npz                    or <folder>/mnist.npz: x_train, y_train, x_test, y_test

Without it, `keras.datasets` fetches the files once and keeps them.
"""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset, from_bytes
from ..errors import BadData, DataUnavailable
from ._idx import read_idx
from ._npz import read_npz

Parts = tuple[NDArray[np.uint8], ...]  # x_train, y_train, x_test, y_test

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
NPZ_NAMES = ("x_train", "y_train", "x_test", "y_test")


def load_files(name: str, source: str, labels: tuple[str, ...]) -> Dataset:
    """Loads the dataset `name` from `GALLERY_DATA` if that is set, else through `keras.datasets`.

    Raises:
        DataUnavailable: the files are not there, or cannot be fetched.
        BadData: a file cannot be read.
    """
    folder = os.environ.get("GALLERY_DATA")
    parts = _read_local(name, Path(folder)) if folder else _fetch(name)
    x_train, y_train, x_test, y_test = parts
    y_train, y_test = (each.reshape(len(each), -1)[:, 0] for each in (y_train, y_test))  # CIFAR-10's are (n, 1)
    for images, classes in ((x_train, y_train), (x_test, y_test)):
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or classes.shape != images.shape[:1]:
            raise BadData(
                f"Expected {name} as uint8 images (n, height, width) or (n, height, width, 3) and n labels. "
                f"Received: {images.dtype} {images.shape} and {classes.shape}."
            )
    return Dataset(
        name=name,
        x_train=from_bytes(x_train),
        y_train=y_train.astype(np.int64),
        x_test=from_bytes(x_test),
        y_test=y_test.astype(np.int64),
        source=source,
        labels=labels,
    )


def _read_local(name: str, folder: Path) -> Parts:
    for npz in (folder / name / f"{name}.npz", folder / f"{name}.npz"):
        if npz.is_file():
            return read_npz(npz, NPZ_NAMES)
    files = [_packed_or_not(folder / name / idx) for idx in IDX_NAMES]
    if missing := [file for file in files if not file.is_file()]:
        raise DataUnavailable(
            f"Expected {name}.npz or {IDX_NAMES[0]}.gz and its three companions in GALLERY_DATA/{name} "
            f"(mnist_5k and digits need no files). Received: no {missing[0]}."
        )
    return tuple(read_idx(file) for file in files)


def _packed_or_not(plain: Path) -> Path:
    return plain if plain.is_file() else plain.with_name(f"{plain.name}.gz")


def _fetch(name: str) -> Parts:
    source: Any = getattr(keras.datasets, name)
    try:
        (x_train, y_train), (x_test, y_test) = source.load_data()
    except Exception as error:  # Keras raises a plain Exception when it cannot download
        reason = " ".join(str(error).split())
        raise DataUnavailable(
            f"Expected {name} from the network, or its files in GALLERY_DATA/{name} "
            f"({IDX_NAMES[0]}.gz and its three companions, or {name}.npz), or --dataset mnist_5k, "
            f"which needs neither. Received: {reason}."
        ) from None
    return x_train, y_train, x_test, y_test
