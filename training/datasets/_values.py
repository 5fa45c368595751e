"""Reads the values of an array from a file whose header may be wrong."""

import math
from io import BufferedIOBase
from typing import IO

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 2**28  # more than the 154 million bytes of the largest array, CIFAR-10's training images
CHUNK = 2**20


def read_values(file: BufferedIOBase | IO[bytes], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Reads a uint8 array with this shape from the rest of a file.

    Raises:
        ValueError: the shape has no values or more than `MAX_BYTES` values, or the file has fewer or more values than
            the shape.
    """
    count = math.prod(shape)
    if not 0 < count <= MAX_BYTES:
        raise ValueError(f"the shape {shape}, which does not have 1 to {MAX_BYTES} values")
    values = bytearray()
    # Reads in chunks, because `read(count)` allocates the memory before it knows the size of the file. Reads one byte
    # more than `count` to detect a file that is too long.
    while chunk := file.read(min(CHUNK, count + 1 - len(values))):
        values += chunk
    if len(values) != count:
        raise ValueError(f"{'more' if len(values) > count else 'fewer'} values than the shape {shape} has")
    return np.frombuffer(values, np.uint8).reshape(shape)
