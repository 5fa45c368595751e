"""Batches of training examples in a random order, with random changes (data augmentation)."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .chunks import chunks

LARGEST_MOVE = 2  # pixels
NEAR, BLACK_AND_WHITE = 0.1, 0.8  # see `is_black_and_white`
Images = NDArray[np.float32]
ImageChange = Callable[[Images, np.random.Generator], Images]
Change = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]


class Batches(keras.utils.PyDataset):
    """Batches of examples in a random order, which is new in each epoch.

    The order and the random changes depend only on the seed, on the number of the epoch and on the number of the batch.
    So a training that is resumed at any epoch sees the same batches as an unbroken training. `train` calls
    `begin_epoch` before each epoch.

    Args:
        x: inputs `(n, …)`, or a dict of inputs.
        y: targets `(n, …)`, or a dict of targets.
        batch_size: number of examples in a batch; the last batch of an epoch may be smaller.
        seed: seed of the order and of the changes.
        change: changes the inputs and the targets of a batch.
        sample_weight: the weight of each example in the loss, `(n, …)`.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int,
        seed: int,
        change: Change | None = None,
        sample_weight: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__()
        self.arrays = (x, y) if sample_weight is None else (x, y, sample_weight)
        self.count = len(keras.tree.flatten(x)[0])
        self.batch_size = batch_size
        self.seed = seed
        self.change = change
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Sets the order of the examples in an epoch. The first epoch has the number 0."""
        self.epoch = epoch
        self.order = generator(self.seed, epoch).permutation(self.count)

    def __len__(self) -> int:
        return math.ceil(self.count / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x, y, *weights = keras.tree.map_structure(lambda array: array[chosen], self.arrays)
        if self.change is not None:
            x, y = self.change(x, y, generator(self.seed, self.epoch, index))
        return (x, y, *weights)


def generator(seed: int, epoch: int, index: int | None = None) -> np.random.Generator:
    """Returns the generator of the random numbers of an epoch, or of the batch `index` of an epoch."""
    # NumPy fills up short seeds with zeros: without the 1, the seed of the batch 0 would be the seed of its epoch.
    return np.random.default_rng((seed, epoch) if index is None else (seed, epoch, index + 1))


def binarize(images: Images, rng: np.random.Generator) -> Images:
    """Replaces each value at random with 0 or 1. The value is the probability of 1 (dynamic binarisation)."""
    return (rng.random(images.shape, np.float32) < images).astype(np.float32)


def is_black_and_white(images: Images) -> bool:
    """Returns whether at least 80 % of the values are at most 0.1 away from 0 or 1, as in MNIST (91 %)."""
    extreme = sum(int(np.count_nonzero(np.abs(images[some] - 0.5) >= 0.5 - NEAR)) for some in chunks(images))
    return extreme >= BLACK_AND_WHITE * images.size


def shift(images: Images, rng: np.random.Generator) -> Images:
    """Moves all images of a batch down and right by random numbers of pixels. New pixels are 0.

    The numbers are −1, 0 or 1. They are the same for all images of the batch.
    """
    down, right = rng.integers(0, 3, 2)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return padded[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width]


def mirror(images: Images, rng: np.random.Generator) -> Images:
    """Mirrors each image left to right with probability 1/2, and moves it at random. New pixels are 0.

    An image moves by up to `LARGEST_MOVE` pixels vertically and horizontally, independently of the other images.
    """
    count, height, width = images.shape[:3]
    padded = np.pad(images, ((0, 0), (LARGEST_MOVE, LARGEST_MOVE), (LARGEST_MOVE, LARGEST_MOVE), (0, 0)))
    down, right = rng.integers(0, 2 * LARGEST_MOVE + 1, (2, count, 1))
    columns = np.where(rng.random((count, 1)) < 0.5, np.arange(width), np.arange(width)[::-1]) + right
    rows = np.arange(height) + down
    return np.asarray(padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]])
