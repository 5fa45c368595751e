"""Datasets by name. One source a file in `datasets/`, each with a `load()` that returns a `Dataset`."""

import importlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..models.errors import expected_one_of
from .errors import BadData, UnknownDataset

VALIDATION_SHARE = 0.1
MOST_VALIDATION_IMAGES = 5_000


@dataclass(frozen=True)
class Dataset:
    """Images and their labels, split for training and for testing.

    Attributes:
        name: the source's file name.
        x_train: float32 `(n, height, width, channels)`, in [0, 1].
        y_train: int64 `(n,)`.
        x_test: like `x_train`; no figure of a test image is used in training.
        y_test: like `y_train`.
        source: where the images come from, and their licence.
    """

    name: str
    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    source: str

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(height, width, channels)."""
        return self.x_train.shape[1:]


def list_datasets() -> list[str]:
    """The sources' names in alphabetical order."""
    folder = Path(__file__).parent / "datasets"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> Dataset:
    """Loads a dataset.

    Raises:
        UnknownDataset: there is no source of that name.
        DataUnavailable: its files are not here and cannot be fetched.
        BadData: a file cannot be read, or holds other things than images in [0, 1].
    """
    if name not in list_datasets():
        raise UnknownDataset(expected_one_of("a dataset", name, list_datasets()))
    source = importlib.import_module(f"..datasets.{name}", __name__)
    dataset: Dataset = source.load()
    check_images(dataset.x_train, f"{name}'s training images")
    check_images(dataset.x_test, f"{name}'s test images")
    return dataset


def check_images(images: NDArray[np.float32], what: str) -> None:
    """Raises `BadData` unless `images` are float32 `(n, height, width, channels)`, n > 0, all in [0, 1]."""
    if images.ndim != 4 or images.dtype != np.float32 or not images.size:
        raise BadData(
            f"Expected {what} as float32 (n, height, width, channels). Received: {images.dtype} {images.shape}."
        )
    low, high = images.min(), images.max()  # NaN if any value is
    if not (low >= 0 and high <= 1):
        raise BadData(f"Expected {what} in [0, 1]. Received: values from {low:g} to {high:g}.")


def from_bytes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images `(n, height, width)` or `(n, height, width, channels)` of 0 to 255, as float32 in [0, 1] with channels."""
    return (images if images.ndim == 4 else images[..., None]).astype(np.float32) / np.float32(255)


def hold_out(images: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images to learn from, and a tenth of them, at most 5,000, set apart to choose the best epoch by."""
    order = np.random.default_rng(seed).permutation(len(images))
    count = min(math.ceil(VALIDATION_SHARE * len(images)), MOST_VALIDATION_IMAGES)
    return images[order[count:]], images[order[:count]]


def stratified_split(labels: NDArray[np.int64], test_share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices for training and testing: the same share of each class, always the same ones, in order."""
    rng = np.random.default_rng(0)
    test: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        test.append(members[: round(test_share * len(members))])
    chosen = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen
