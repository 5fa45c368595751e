"""Reads IDX files (the format of MNIST) and .npz archives of bytes, whoever made them.

An IDX file is: two zero bytes, the type (8 = unsigned byte), the number of dimensions, each dimension as a
big-endian uint32, then the values. Nothing is allocated on a file's word: sizes are checked against `MAX_BYTES`
first, and no more than the promised size is unpacked.
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from . import BadData

UNSIGNED_BYTE = 8
MAX_BYTES = 64 * 2**20  # MNIST's 60,000 × 28 × 28 fit in; four times as much once they are float32


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The array of bytes in an IDX file, gzipped where the name ends in ".gz".

    Args:
        path: the file.
        dimensions: how many there must be: 3 for images, 1 for labels.

    Raises:
        BadData: the file is damaged, of another type, or larger than `MAX_BYTES`.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            header = stream.read(4 + 4 * dimensions)
            magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
            if len(header) != 4 + 4 * dimensions or header[:4] != magic:
                raise BadData(
                    f"Expected an IDX file, starting with {magic.hex()}, in {path}. "
                    f"Received: {header[:4].hex()}"
                )
            return _read_values(stream, struct.unpack(f">{dimensions}I", header[4:]), path)
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"Expected a readable IDX file in {path}. Received: {error}") from error


def read_npz(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """The arrays of bytes called `names` in an .npz archive. No pickled objects.

    Raises:
        BadData: the archive is damaged, lacks a name, or holds another type or more than `MAX_BYTES`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_read_npy(archive, f"{name}.npy", path) for name in names)
    # zipfile answers damage with all of these, and numpy a damaged header with ValueError or SyntaxError.
    except (
        OSError,
        EOFError,
        KeyError,
        ValueError,
        SyntaxError,
        zlib.error,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ) as error:
        if isinstance(error, BadData):
            raise
        raise BadData(
            f"Expected an .npz archive of {', '.join(names)} in {path}. Received: {error}"
        ) from error


def _read_npy(archive: zipfile.ZipFile, member: str, path: Path) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise BadData(f"Expected .npy version 1.0 for {member} in {path}. Received: {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
        if dtype != np.uint8 or fortran_order:
            raise BadData(f"Expected bytes in C order for {member} in {path}. Received: {dtype}")
        return _read_values(stream, shape, path)


def _read_values(stream: IO[bytes], shape: tuple[int, ...], path: Path) -> np.ndarray:
    size = math.prod(shape)
    if not 0 < size <= MAX_BYTES:
        raise BadData(f"Expected 1 to {MAX_BYTES} bytes in {path}. Received: shape {shape}")
    data = stream.read(size + 1)  # one more, to see that it ends there
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data)}"
        raise BadData(f"Expected {size} bytes for shape {shape} in {path}. Received: {found}")
    return np.frombuffer(data, np.uint8).reshape(shape)
