"""NumPy's .npz archives, of unsigned bytes alone: no pickles, and no memory on a header's word."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from ._values import read_values

# All that zipfile and NumPy raise for damaged archives and headers.
DAMAGE = (
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
    """Reads the arrays called `names`. `np.load` is not used: it allocates what a header promises.

    Raises:
        BadData: not such an archive, an array is missing, of another type, or not as long as its header says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_read(archive, name) for name in names)
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise BadData(f"Expected {path} to hold the arrays {', '.join(names)}. Received: {reason}.") from None


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    with archive.open(f"{name}.npy") as file:
        if (version := np.lib.format.read_magic(file)) != (1, 0):
            raise ValueError(f"{name} in .npy version {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype != np.uint8 or fortran_order:
            raise ValueError(f"{name} of {dtype}{', in Fortran order' if fortran_order else ''}")
        return read_values(file, shape)
