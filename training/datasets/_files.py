"""Loads MNIST, Fashion-MNIST and CIFAR-10, from local files or from the network.

If the environment variable `GALLERY_DATA` is set to a folder, the files are read from this folder. For the dataset
`mnist`, the folder must contain one of these:

- `mnist/mnist.npz` or `mnist.npz`, with the arrays x_train, y_train, x_test and y_test;
- `mnist/train-images-idx3-ubyte`, `mnist/train-labels-idx1-ubyte`, `mnist/t10k-images-idx3-ubyte` and
  `mnist/t10k-labels-idx1-ubyte`, each with or without the suffix `.gz` (compressed with gzip).

Without `GALLERY_DATA`, `keras.datasets` downloads the files once and caches them.
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
    """Loads the dataset `name` from the folder `GALLERY_DATA` if it is set, otherwise with `keras.datasets`.

    Raises:
        DataUnavailable: the files are missing or cannot be downloaded.
        BadData: a file cannot be read.
    """
    folder = os.environ.get("GALLERY_DATA")
    parts = _read_local(name, Path(folder)) if folder else _fetch(name)
    x_train, y_train, x_test, y_test = parts
    y_train, y_test = (
        each.reshape(len(each), -1)[:, 0] for each in (y_train, y_test)
    )  # the labels of CIFAR-10 are (n, 1)
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
    files = [_plain_or_compressed(folder / name / idx) for idx in IDX_NAMES]
    if missing := [file for file in files if not file.is_file()]:
        raise DataUnavailable(
            f"Missing file: {missing[0]}. The folder GALLERY_DATA/{name} must contain {name}.npz, or "
            f"{IDX_NAMES[0]}.gz and the three other IDX files. The datasets mnist_5k and digits need no files."
        )
    return tuple(read_idx(file) for file in files)


def _plain_or_compressed(plain: Path) -> Path:
    return plain if plain.is_file() else plain.with_name(f"{plain.name}.gz")


def _fetch(name: str) -> Parts:
    source: Any = getattr(keras.datasets, name)
    try:
        (x_train, y_train), (x_test, y_test) = source.load_data()
    except Exception as error:  # Keras raises a plain Exception when it cannot download
        reason = " ".join(str(error).split())
        raise DataUnavailable(
            f"Cannot download {name}: {reason}. Set GALLERY_DATA to a folder that contains {name}/{name}.npz or the "
            f"IDX files {name}/{IDX_NAMES[0]}.gz and so on, or use the dataset mnist_5k, which needs no download "
            "(--dataset mnist_5k)."
        ) from None
    return x_train, y_train, x_test, y_test
