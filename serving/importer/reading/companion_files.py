"""Files that a model file names, and that must lie beside it."""

from __future__ import annotations

import stat
from pathlib import Path

from ...errors import InvalidArgument, PermissionDenied


def file_beside(folder: Path, name: str) -> Path:
    """The file of a name in a folder.

    Raises:
        PermissionDenied: the name leads elsewhere, or what is there is a link or a device.
        InvalidArgument: there is nothing.
    """
    plain = name.removeprefix("./")
    if not plain or plain.startswith(".") or not plain.isprintable() or set(plain) & set("/\\:"):
        raise PermissionDenied(f"Expected weights in files beside the model's. Received: {name!r:.200}")
    file = folder / plain
    try:
        mode = file.lstat().st_mode
    except OSError:
        raise InvalidArgument(f"Expected all files of weights. Received: no {plain:.200} in {folder}") from None
    if not stat.S_ISREG(mode):
        raise PermissionDenied(f"Expected weights in files beside the model's. Received: {plain}, a link or a device")
    return file
