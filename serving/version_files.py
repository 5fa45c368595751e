"""Examines and opens the files in a version's folder. A pipe or a device in the folder must not stop the server."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from .errors import FailedPrecondition

Files = tuple[tuple[str, int, int], ...]
# Maximum number of files and folders below a version's folder. A link in the folder may lead to the root folder.
MAX_ENTRIES = 10_000
# The files and folders that the server reads. Other files, such as a log, may change while a version is loaded.
NAMES = {
    *("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", "variables", "assets", "assets.extra"),
    *("model.tflite", "batching_params.pbtxt"),
}


class FilesChanged(FailedPrecondition):
    """The files of a version are not the files that the server has loaded or begun to load."""

    def __init__(self, folder: Path | str) -> None:
        super().__init__(f"The files in {folder} have changed since the server began to load them.")
        self.folder = folder

    def __reduce__(self) -> Any:
        return type(self), (self.folder,)


def files_of(folder: Path) -> Files:
    """Returns names, sizes and modification times of all files below `folder` that the server reads.

    The result changes while files are being copied into the folder. The result is empty if the folder can't be read, or
    if `check_files` raises an error.
    """
    try:
        files = [(path, each) for path, each in _files_below(folder) if path.partition("/")[0] in NAMES]
        return tuple((path, each.st_size, each.st_mtime_ns) for path, each in files)
    except (OSError, ValueError, FailedPrecondition):
        return ()


def stamp_of(folder: Path) -> str:
    """Returns a hash of the result of `files_of`."""
    return hashlib.sha256(repr(files_of(folder)).encode(errors="surrogateescape")).hexdigest()


def check_files(folder: Path) -> None:
    """Raises FailedPrecondition if reading `folder` could take forever.

    This is so if the folder contains a pipe, a socket or a device, or more than `MAX_ENTRIES` files and folders.
    """
    try:
        for _ in _files_below(folder):
            pass
    except OSError:
        pass  # the load raises the error that TensorFlow Serving would raise


def open_file(file: Path) -> BufferedReader:
    """Opens a regular file for reading. Does not wait for a writer if the file is a pipe.

    Raises FailedPrecondition if the file is a pipe or a device, and the errors of `open`.
    """
    opened = open(file, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise FailedPrecondition(f"{file} is not a regular file.")
    return opened


def read_file(file: Path) -> bytes:
    """Returns the content of a regular file. Raises the errors of `open_file`."""
    with open_file(file) as opened:
        return opened.read()


def _files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yields the relative path and the status of each file below `folder`. Follows links.

    Reads each folder once, even if several links lead to it. Raises FailedPrecondition if a file is not a regular file,
    and after `MAX_ENTRIES` entries.
    """
    folders = deque([""])  # the nearest folders first, so that a link to the root folder soon leads to a device
    seen: set[tuple[int, int]] = set()
    count = 0
    while folders:
        prefix = folders.popleft()
        with os.scandir(folder / prefix) as entries:
            names = []
            for entry in entries:
                names.append(entry.name)
                if (count := count + 1) > MAX_ENTRIES:
                    raise FailedPrecondition(f"{folder} has more than {MAX_ENTRIES:,} files and folders.")
        for name in sorted(names):
            path = f"{prefix}{name}"
            try:
                status = os.stat(folder / path)
            except OSError:
                continue  # a link to nowhere, or a file that was just removed
            if stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                folders.append(f"{path}/")
            elif stat.S_ISREG(status.st_mode):
                yield path, status
            else:
                raise FailedPrecondition(f"{folder / path} is not a regular file.")
