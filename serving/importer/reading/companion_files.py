"""Finds the files that a model file refers to, such as external weights, in the folder of the model file."""

from __future__ import annotations

import stat
from pathlib import Path

from ...errors import InvalidArgument, PermissionDenied


def companion_file(folder: Path, name: str) -> Path:
    """Returns the path of a regular file in a folder.

    Raises:
        PermissionDenied: the name is not a plain file name, or the file is a link or a device.
        InvalidArgument: the file does not exist.
    """
    plain = name.removeprefix("./")
    if not plain or plain.startswith(".") or not plain.isprintable() or set(plain) & set("/\\:"):
        raise PermissionDenied(f"Expected weights in the model file's folder. Received: {name!r:.200}")
    file = folder / plain
    try:
        mode = file.lstat().st_mode
    except OSError:
        raise InvalidArgument(f"Weights file not found: {plain:.200} in {folder}") from None
    if not stat.S_ISREG(mode):
        raise PermissionDenied(f"Expected weights in a regular file. Received: {plain}, a link or a device")
    return file
