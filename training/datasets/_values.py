"""The bytes behind a header that nobody vouches for."""

import math
from io import BufferedIOBase
from typing import IO

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 2**28  # CIFAR-10's largest array has 154 million; as float32 they take four times as much
PIECE = 2**20


def read_values(file: BufferedIOBase | IO[bytes], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Reads an array of that shape, which must end where the file does.

    Raises:
        ValueError: no values, more than `MAX_BYTES`, or another number of them in the file.
    """
    count = math.prod(shape)
    if not 0 < count <= MAX_BYTES:
        raise ValueError(f"the shape {shape}, not 1 to {MAX_BYTES} values")
    values = bytearray()
    # In pieces: `read(count)` takes the memory before it knows whether the file has so many. One more is
    # asked for, to see that there is none.
    while piece := file.read(min(PIECE, count + 1 - len(values))):
        values += piece
    if len(values) != count:
        raise ValueError(f"{'more' if len(values) > count else 'fewer'} values than the shape {shape} holds")
    return np.frombuffer(values, np.uint8).reshape(shape)
