"""Temporary folders that the next process removes if this process is killed.

The process that owns a folder holds a lock on it. The system releases the lock when the process ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: folders that are left behind stay
    fcntl = None  # type: ignore[assignment]


class OwnedFolder:
    """A new folder that only this user can read. `close` removes the folder.

    Args:
        prefix: the beginning of the folder's name, which `remove_abandoned` searches for.
        parent: the folder for the new folder; None: the system's folder for temporary files.

    Attributes:
        path: the path of the folder.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        for _ in range(3):  # another process may take a folder that is not locked yet for an abandoned one
            self.path = _new_folder(prefix, parent)
            lock = _lock(self.path)
            if lock is not None:
                break
        self._close = weakref.finalize(self, _remove, self.path, lock)

    def close(self) -> None:
        self._close()


def remove_abandoned(prefix: str, parent: Path | None = None) -> None:
    """Removes the folders of `OwnedFolder` with this prefix whose process has ended."""
    try:
        parent = parent or Path(tempfile.gettempdir())
    except FileNotFoundError:  # the disk is full, or this process may not write anywhere
        return
    for folder in _folders(prefix, parent):
        if (lock := _lock(folder)) is not None:
            _remove(folder, lock)


def _new_folder(prefix: str, parent: Path | None) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except FileNotFoundError:
        if parent is not None:
            raise
        tempfile.tempdir = None  # the folder for temporary files was deleted: Python chooses another folder
        return Path(tempfile.mkdtemp(prefix=prefix))


def _remove(folder: Path, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _folders(prefix: str, parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False):
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    yield Path(entry.path)


def _lock(folder: Path) -> int | None:
    """Locks a folder. Returns the file descriptor that holds the lock; None if this is not possible."""
    if fcntl is None:
        return None
    file = None
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), os.stat(folder)):
            return file
    except OSError:
        pass
    if file is not None:
        os.close(file)
    return None
