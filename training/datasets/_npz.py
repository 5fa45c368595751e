"""Reads .npz archives of unsigned bytes, without pickle and without trusting the sizes in their headers."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from ._values import read_values

# All exceptions that zipfile and NumPy raise for damaged archives and headers.
DAMAGED = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path, names: Sequence[str]) -> tuple[NDArray[np.uint8], ...]:
    """Returns the arrays with these names in an .npz archive.

    `np.load` is not used, because it allocates as much memory as the header says, even if the file is small.

    Raises:
        BadData: the file is not an .npz archive, or an array is missing, is not uint8 in C order, or does not have the
            size in its header.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_read(archive, name) for name in names)
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise BadData(f"Expected {path} to contain the arrays {', '.join(names)}. Received: {reason}.") from None


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    with archive.open(f"{name}.npy") as file:
        if (version := np.lib.format.read_magic(file)) != (1, 0):
            raise ValueError(f"{name} in .npy version {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype != np.uint8 or fortran_order:
            raise ValueError(f"{name} of {dtype}{', in Fortran order' if fortran_order else ''}")
        return read_values(file, shape)
