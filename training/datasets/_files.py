"""Finds the files of MNIST and its kin: under the folder GALLERY_DATA, else through Keras's download."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from . import BadData, Dataset, DataUnavailable
from ._idx import read_idx, read_npz

VARIABLE = "GALLERY_DATA"
# File name and number of dimensions; in the order of the .npz names below.
IDX_FILES = {
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}
NPZ_NAMES = ("x_train", "y_train", "x_test", "y_test")


def load_or_download(name: str) -> Dataset:
    """The data set `name` from `<GALLERY_DATA>/<name>/` (four IDX files, gzipped or not, or `<name>.npz`), from
    `<GALLERY_DATA>/<name>.npz`, else from `keras.datasets.<name>`.

    Raises:
        DataUnavailable: nothing there, and the download failed.
        BadData: a file is damaged.
    """
    found = _from_folder(name) or _from_keras(name)
    (x_train, y_train, x_test, y_test), source = found
    for x in (x_train, x_test):
        if x.ndim != 3:
            raise BadData(f"Expected images (examples, height, width) in {source}. Received: shape {x.shape}")
    return Dataset(name, _as_images(x_train), y_train, _as_images(x_test), y_test, source)


def _as_images(x: np.ndarray) -> np.ndarray:
    images: np.ndarray = x[..., np.newaxis] / np.float32(255)
    return images


def _from_folder(name: str) -> tuple[tuple[np.ndarray, ...], str] | None:
    if not (value := os.environ.get(VARIABLE)):
        return None
    folder = Path(value)
    if not folder.is_dir():
        raise DataUnavailable(f"Expected a folder in {VARIABLE}. Received: {value}")
    for archive in (folder / name / f"{name}.npz", folder / f"{name}.npz"):
        if archive.is_file():
            return read_npz(archive, NPZ_NAMES), str(archive)
    paths = [_plain_or_gzipped(folder / name / file) for file in IDX_FILES]
    if not any(path.is_file() for path in paths):
        return None
    for path in paths:
        if not path.is_file():
            raise DataUnavailable(f"Expected the four IDX files of {name}. Received: no {path}")
    arrays = tuple(read_idx(path, n) for path, n in zip(paths, IDX_FILES.values(), strict=True))
    return arrays, str(folder / name)


def _plain_or_gzipped(path: Path) -> Path:
    return path if path.is_file() else path.with_name(path.name + ".gz")


def _from_keras(name: str) -> tuple[tuple[np.ndarray, ...], str]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # what Keras raises where the download fails
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataUnavailable(
            f"Expected {name}: set {VARIABLE} to a folder that holds {name}/{next(iter(IDX_FILES))}.gz and its "
            f"three kin, or {name}.npz; or connect to the network; or take the data set mnist_5k, which needs "
            f"neither. Received: {reason}"
        ) from error
    return (x_train, y_train, x_test, y_test), f"keras.datasets.{name}"
