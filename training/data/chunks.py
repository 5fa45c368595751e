"""Splits examples into chunks, so that the memory of a computation does not grow with the number of examples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

CHUNK_BYTES = 8 << 20
PREDICTED = 256  # largest number of examples in a batch of a prediction


def chunk_size(shape: tuple[int, ...], most: int) -> int:
    """Returns how many examples of a shape have at most 8 MiB as float32, from 1 to `most`."""
    return max(1, min(CHUNK_BYTES // (4 * max(math.prod(shape), 1)), most))


def chunks(examples: NDArray[Any]) -> Iterator[slice]:
    """Yields the slices of an array `(n, …)` that have at most 8 MiB each as float32, or a single example."""
    size = chunk_size(examples.shape[1:], max(len(examples), 1))
    return (slice(start, start + size) for start in range(0, len(examples), size))


def predict(model: keras.Model, examples: NDArray[Any]) -> NDArray[Any]:
    """Returns the output of a model with a single output, in batches whose inputs and outputs are chunks."""
    shapes = (examples.shape[1:], model.output_shape[1:])
    size = min(chunk_size(tuple(side or 1 for side in shape), PREDICTED) for shape in shapes)
    return np.asarray(model.predict(examples, batch_size=size, verbose=0))
