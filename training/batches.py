"""Training images in memory, a batch at a time."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Change = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


class ChangedBatches(keras.utils.PyDataset):
    """Batches of images that are changed anew each time they are seen. Input and target are the same images.

    Args:
        images: float32 `(n, height, width, channels)`, in [0, 1].
        batch_size: images a step; the last step of an epoch takes what is left.
        change: `binarize` or `shift`.
        seed: of order and changes.
    """

    def __init__(self, images: NDArray[np.float32], batch_size: int, change: Change, seed: int) -> None:
        super().__init__()
        self.images = images
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
        return changed, changed


def binarize(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """0 or 1 for each value, 1 with its grey value as the probability: dynamic binarisation."""
    return (rng.random(images.shape, np.float32) < images).astype(np.float32)


def shift(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """All images moved by −1, 0 or 1 pixels down and right, the same for all; what comes in is 0."""
    down, right = rng.integers(0, 3, 2)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width]
