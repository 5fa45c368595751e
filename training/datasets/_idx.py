"""Reads IDX files, the file format of MNIST.

An IDX file has two zero bytes, a byte for the data type, a byte for the number of dimensions, the size of each
dimension as a big-endian 32-bit integer, and the values.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from ._values import read_values

UNSIGNED_BYTES = 8
MAX_DIMENSIONS = 4


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes. If its name ends in `.gz`, the file is compressed with gzip.

    Raises:
        BadData: the file cannot be read or is not an IDX file of unsigned bytes, or its size does not fit its header.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            magic = file.read(4)
            is_bytes = magic[:3] == bytes((0, 0, UNSIGNED_BYTES))
            if len(magic) < 4 or not is_bytes or not 1 <= magic[3] <= MAX_DIMENSIONS:
                raise ValueError(f"the header {magic.hex()}" if magic else "an empty file")
            sizes = file.read(4 * magic[3])
            if len(sizes) < 4 * magic[3]:
                raise ValueError("an incomplete header")
            shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
            return read_values(file, shape)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BadData(f"Expected {path} to be an IDX file of unsigned bytes. Received: {reason}.") from None
