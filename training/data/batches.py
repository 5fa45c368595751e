"""Batches of training images with random changes (data augmentation)."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

LARGEST_MOVE = 2  # pixels
Change = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


class ChangedBatches(keras.utils.PyDataset):
    """Batches of images that are changed at random in each epoch.

    Args:
        images: float32 `(n, height, width, channels)`, in [0, 1].
        batch_size: number of images in a batch; the last batch of an epoch may be smaller.
        change: the function that changes a batch: `binarize`, `shift` or `mirror`.
        seed: seed of the order and of the changes.
        targets: `(n, …)`. By default, the targets are the changed images.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        batch_size: int,
        change: Change,
        seed: int,
        targets: NDArray[Any] | None = None,
    ) -> None:
        super().__init__()
        self.images = images
        self.targets = targets
        self.batch_size = batch_size
        self.change = change
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.images))

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        changed = self.change(self.images[chosen], self.rng)
        return changed, changed if self.targets is None else self.targets[chosen]


def binarize(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Replaces each value at random with 0 or 1. The value is the probability of 1 (dynamic binarisation)."""
    return (rng.random(images.shape, np.float32) < images).astype(np.float32)


def shift(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Moves all images of a batch down and right by random numbers of pixels. New pixels are 0.

    The numbers are −1, 0 or 1. They are the same for all images of the batch.
    """
    down, right = rng.integers(0, 3, 2)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width]


def mirror(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Mirrors each image left to right with probability 1/2, and moves it at random. New pixels are 0.

    An image moves by up to `LARGEST_MOVE` pixels vertically and horizontally, independently of the other images.
    """
    count, height, width = images.shape[:3]
    padded = np.pad(images, ((0, 0), (LARGEST_MOVE, LARGEST_MOVE), (LARGEST_MOVE, LARGEST_MOVE), (0, 0)))
    down, right = rng.integers(0, 2 * LARGEST_MOVE + 1, (2, count, 1))
    columns = np.where(rng.random((count, 1)) < 0.5, np.arange(width), np.arange(width)[::-1]) + right
    rows = np.arange(height) + down
    return np.asarray(padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]])
