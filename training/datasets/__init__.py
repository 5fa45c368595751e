"""Data to train on: `load(name)` gives a `Dataset`, `list_datasets()` the names.

One source a file: the file's name is the data set's name, and its `load()` returns the `Dataset`. Files whose
name starts with an underscore are helpers.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.errors import GalleryError
from ...models.registry import closest


class DataUnavailable(GalleryError):
    """The data is neither on this machine nor to be had from the network."""


class BadData(GalleryError):
    """A data file is damaged, or holds something else than was expected."""


@dataclass(frozen=True)
class Dataset:
    """Images and labels, checked when made.

    Attributes:
        name: its key.
        x_train: float32, (examples, height, width, channels), finite, in [0, 1]. So is `x_test`.
        y_train: integer labels, (examples,). So is `y_test`.
        source: where the data came from, in words.

    Raises:
        BadData: an array is not as described here.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str

    def __post_init__(self) -> None:
        for part, x, y in (("train", self.x_train, self.y_train), ("test", self.x_test, self.y_test)):
            where = f"{self.name}, x_{part}"
            if x.dtype != np.float32 or x.ndim != 4 or not x.size:
                raise BadData(
                    f"Expected float32 images (examples, height, width, channels) in {where}. "
                    f"Received: {x.dtype}, shape {x.shape}"
                )
            # NaN fails both comparisons.
            if not (x.min() >= 0 and x.max() <= 1):
                raise BadData(f"Expected values in [0, 1] in {where}. Received: {x.min()} to {x.max()}")
            if y.shape != x.shape[:1]:
                raise BadData(f"Expected {len(x)} labels for {where}. Received: shape {y.shape}")
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise BadData(
                f"Expected images of one shape in {self.name}. "
                f"Received: {self.x_train.shape[1:]} to train on, {self.x_test.shape[1:]} to test on"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.x_train.shape[1:]
        return height, width, channels


def list_datasets() -> list[str]:
    """The names that `load` takes, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> Dataset:
    """The data set called `name`.

    Raises:
        GalleryError: there is none of that name.
        DataUnavailable: the data is not on this machine, and cannot be downloaded.
        BadData: a file of the data is damaged.
    """
    names = list_datasets()
    if name not in names:
        raise GalleryError(f"Expected a data set: {', '.join(names)}. Received: {name}{closest(name, names)}")
    dataset: Dataset = importlib.import_module(f".{name}", __name__).load()
    return dataset
