"""Reads MNIST's file format IDX: two zero bytes, the type, the number of dimensions, the dimensions, the values."""

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
    """Reads an IDX file of unsigned bytes, compressed with gzip if its name ends in `.gz`.

    Raises:
        BadData: the file is not an IDX file of unsigned bytes, or shorter or longer than its header says.
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
