"""A SavedModel of untrusted origin, copied: what belongs to it and nothing else, no links followed."""

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
MAX_GRAPH_BYTES = 2 << 30  # of a protocol buffer
_FOLDERS = ("variables", "assets")


def copy(source: Path, place: Path) -> Path:
    """Copies saved_model.pb, keras_metadata.pb, variables/ and assets/ into the new folder `place`, and returns it.

    Raises:
        PermissionDenied: one of them is a link, or neither a file nor a folder.
        ResourceExhausted: they are too many, or larger than the memory holds.
        InvalidArgument: there is no saved_model.pb.
    """
    place.mkdir()
    left = [MAX_FILES, int(memory() * MODEL_SHARE)]
    for name in (GRAPH, KERAS_METADATA, *_FOLDERS):
        if os.path.lexists(source / name):
            _copy(source / name, place / name, left, folder=name in _FOLDERS)
    if not (place / GRAPH).exists():
        raise InvalidArgument(f"Expected a SavedModel with its {GRAPH}. Received: {source.name}, without one")
    return place


def _copy(source: Path, place: Path, left: list[int], *, folder: bool) -> None:
    found = os.lstat(source)
    if folder and stat.S_ISDIR(found.st_mode):
        place.mkdir()
        with os.scandir(source) as entries:
            for entry in entries:
                inner = entry.is_dir(follow_symlinks=False) and source.name != "variables"
                _copy(source / entry.name, place / entry.name, left, folder=inner)
        return
    if not stat.S_ISREG(found.st_mode):
        raise PermissionDenied(f"Expected plain files in the SavedModel. Received: {source.name!r}, a link or the like")
    left[0] -= 1
    left[1] -= found.st_size
    if min(left) < 0:
        raise ResourceExhausted(
            f"Expected a SavedModel of at most {MAX_FILES:,} files, within half of the memory. Received: a larger one"
        )
    # What was a file a moment ago may be a link now.
    with open(os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as old, open(place, "wb") as new:
        size = found.st_size
        while size and (piece := old.read(min(size, 1 << 20))):
            size -= new.write(piece)


def read_graphs(folder: Path) -> Any:
    """The `SavedModel` message of a copy. Raises InvalidArgument where it is damaged."""
    file = folder / GRAPH
    if file.stat().st_size > MAX_GRAPH_BYTES:
        raise ResourceExhausted(f"Expected {GRAPH} of at most {MAX_GRAPH_BYTES:,} bytes. Received: more")
    try:
        found = messages.SavedModel.FromString(file.read_bytes())
    except DecodeError:
        raise InvalidArgument(f"Expected a whole {GRAPH}. Received: one that is damaged") from None
    if not found.meta_graphs:
        raise InvalidArgument(f"Expected a graph in {GRAPH}. Received: none")
    return found
