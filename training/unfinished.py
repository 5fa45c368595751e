"""Finds and keeps unfinished trainings, so that they can be resumed.

An unfinished training has a folder `runs/<model>/.unfinished-<letters>/` with two files:

settings.json     the settings of the training, with the values of the recipe
checkpoint.npz    the state at the end of an epoch (see `checkpoints.py`)

The folder is created with the first checkpoint. While the training runs, it holds a lock on the folder. The operating
system releases the lock if the process is killed. The folder is deleted when the training is finished, or when a
training with the same settings is finished. Of the others, the three newest are kept. If a process is killed before the
first checkpoint is complete, or while it saves a run, the next training deletes the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import BadResume

PREFIX = ".unfinished-"
SETTINGS_FILE = "settings.json"
CHECKPOINT_FILE = "checkpoint.npz"
KEPT = 3


class Unfinished:
    """The folder of an unfinished training.

    Args:
        home: folder of the runs of the model.
        settings: the settings of the training, for JSON.
        folder: the folder; None if it is not created yet.
    """

    def __init__(self, home: Path, settings: Mapping[str, Any], folder: Path | None = None) -> None:
        self.home = home
        self.settings = plain(settings)
        self.folder = folder
        self._lock: int | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The file of the checkpoint, or None if there is none yet."""
        return None if self.folder is None else self.folder / CHECKPOINT_FILE

    def lock(self) -> bool:
        """Locks the folder, so that no other process resumes the training. Returns False if it is locked already."""
        assert self.folder is not None
        try:
            lock = os.open(self.folder, os.O_RDONLY)
        except OSError:  # another process has deleted the folder
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_deleted = not os.path.samestat(os.fstat(lock), os.stat(self.folder))
        except OSError:
            is_deleted = True
        if is_deleted:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Releases the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, write: Callable[[Any], None]) -> None:
        """Replaces the checkpoint atomically: after an error or a crash, the old checkpoint is still there.

        Args:
            write: writes the checkpoint to a binary file.

        Raises:
            OSError: the checkpoint cannot be written, for example because the disk is full.
        """
        if self.folder is not None:
            self._write(self.folder, write)
            return
        self.create()
        assert self.folder is not None
        try:
            self._write(self.folder, write)
        except BaseException:
            self.delete()
            raise

    def create(self) -> None:
        """Creates and locks the folder. Deletes the folders of processes that ended before they wrote a checkpoint."""
        self.home.mkdir(parents=True, exist_ok=True)
        for other in self.home.glob(f"{PREFIX}*/"):
            abandoned = Unfinished(self.home, {}, other)
            if not other.is_symlink() and not (other / CHECKPOINT_FILE).exists() and abandoned.lock():
                abandoned.delete()
        for _ in range(3):  # another process may take a folder that is not locked yet for an abandoned one
            self.folder = Path(tempfile.mkdtemp(dir=self.home, prefix=PREFIX))
            if self.lock():
                break

    def _write(self, folder: Path, write: Callable[[Any], None]) -> None:
        text = json.dumps(self.settings, indent=2) + "\n"  # again for each checkpoint: a resumed training changes them
        _replace(folder / SETTINGS_FILE, lambda file: file.write(text.encode()))
        _replace(folder / CHECKPOINT_FILE, write)

    def delete(self) -> None:
        """Deletes the folder, if there is one, and releases the lock."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        self.release()

    def tidy(self) -> None:
        """Deletes the folder, folders of trainings with the same settings, and all others but the three newest."""
        self.delete()
        kept = 0
        for other in unfinished(self.home):
            if other.settings == self.settings or kept >= KEPT:
                if other.lock():
                    other.delete()
            else:
                kept += 1


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings as they are read from JSON: tuples become lists."""
    values: dict[str, Any] = json.loads(json.dumps(settings, default=lambda value: value.item()))
    return values


def unfinished(home: Path) -> Iterator[Unfinished]:
    """Yields the unfinished trainings in a folder of runs that are not running, the newest first."""
    found = []
    for checkpoint in home.glob(f"{PREFIX}*/{CHECKPOINT_FILE}"):
        try:
            settings = json.loads((checkpoint.parent / SETTINGS_FILE).read_text(encoding="utf-8"))
            found.append((checkpoint.stat().st_mtime_ns, Unfinished(home, dict(settings), checkpoint.parent)))
        except (OSError, RecursionError, ValueError, TypeError):  # another process deletes the folder
            continue
    for _, each in sorted(found, key=lambda pair: pair[0], reverse=True):
        if each.lock():
            each.release()
            yield each


def to_resume(home: Path, fits: Callable[[Unfinished], str | None]) -> Unfinished:
    """Returns the newest unfinished training with the given settings.

    Args:
        home: folder of the runs of the model.
        fits: returns the first difference between the given settings and the settings of the training, or None.

    Raises:
        BadResume: there is no unfinished training, or its settings are different.
    """
    difference = None
    for each in unfinished(home):
        found = fits(each)
        if found is None:
            return each
        difference = difference or f"Cannot resume the training in {each.folder}: {found}"
    raise BadResume(
        difference or f"There is no unfinished training of {home.name} in {home.parent}. Train without --resume."
    )


def _replace(file: Path, write: Callable[[Any], Any]) -> None:
    draft = file.with_name(f".{file.name}.draft")
    try:
        with draft.open("wb") as opened:
            write(opened)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
