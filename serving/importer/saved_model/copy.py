"""Copies only the files that belong to an untrusted SavedModel. Does not follow links."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from ...errors import InvalidArgument, PermissionDenied, ResourceExhausted
from ...limits import memory
from ...wire import messages
from ..reading.bounds import MODEL_SHARE

GRAPH = "saved_model.pb"
KERAS_METADATA = "keras_metadata.pb"
MAX_FILES = 10_000
MAX_GRAPH_BYTES = 2 << 30  # maximum size of a protocol buffer
_FOLDERS = ("variables", "assets")


def copy(source: Path, target: Path) -> Path:
    """Copies saved_model.pb, keras_metadata.pb, variables/ and assets/ into the new folder `target`. Returns `target`.

    Raises:
        PermissionDenied: a file or folder is a link or a device.
        ResourceExhausted: there are more than `MAX_FILES` files, or the files are larger than half of the memory.
        InvalidArgument: saved_model.pb is missing.
    """
    target.mkdir()
    remaining = [MAX_FILES, int(memory() * MODEL_SHARE)]
    for name in (GRAPH, KERAS_METADATA, *_FOLDERS):
        if os.path.lexists(source / name):
            _copy(source / name, target / name, remaining, folder=name in _FOLDERS)
    if not (target / GRAPH).exists():
        raise InvalidArgument(f"The SavedModel {source.name} has no {GRAPH}")
    return target


def _copy(source: Path, target: Path, remaining: list[int], *, folder: bool) -> None:
    status = os.lstat(source)
    if folder and stat.S_ISDIR(status.st_mode):
        target.mkdir()
        with os.scandir(source) as entries:
            for entry in entries:
                inner = entry.is_dir(follow_symlinks=False) and source.name != "variables"
                _copy(source / entry.name, target / entry.name, remaining, folder=inner)
        return
    if not stat.S_ISREG(status.st_mode):
        raise PermissionDenied(f"Unsafe SavedModel refused: {source.name!r} is a link or a device")
    remaining[0] -= 1
    remaining[1] -= status.st_size
    if min(remaining) < 0:
        raise ResourceExhausted(
            f"The SavedModel has more than {MAX_FILES:,} files, or is larger than half of the memory"
        )
    # O_NOFOLLOW and O_NONBLOCK: the file may have been replaced by a link or a pipe since the check.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(source, flags), "rb") as old, open(target, "wb") as new:
        size = status.st_size
        while size and (chunk := old.read(min(size, 1 << 20))):
            size -= new.write(chunk)


def read_graphs(folder: Path) -> Any:
    """Reads the `SavedModel` message of a copied SavedModel.

    Raises:
        InvalidArgument: the file is damaged, or has no graph.
        ResourceExhausted: the file is larger than `MAX_GRAPH_BYTES`.
    """
    file = folder / GRAPH
    if file.stat().st_size > MAX_GRAPH_BYTES:
        raise ResourceExhausted(f"Expected {GRAPH} to have at most {MAX_GRAPH_BYTES:,} bytes. Received: more")
    try:
        message = messages.SavedModel.FromString(file.read_bytes())
    except DecodeError:
        raise InvalidArgument(f"Damaged SavedModel: {GRAPH} cannot be parsed") from None
    if not message.meta_graphs:
        raise InvalidArgument(f"{GRAPH} has no graph")
    return message
