"""Forbids this process to change files, start programs and use TCP, with Landlock.

Landlock is a part of Linux and needs no privileges. The rules also hold for the threads and processes that this thread
starts later, and nothing can lift them. Python has no interface to Landlock, so this module makes the system calls.
Their numbers are the same on all processors that TensorFlow supports.

Source: https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_EXECUTE, _WRITE, _TRUNCATE = 1 << 0, 1 << 1, 1 << 14
# Removing, creating, linking and renaming files and folders.
_CHANGES = sum(1 << bit for bit in range(4, 14))
_OLDEST = 2  # version 1 (Linux before 5.19) cannot allow to move a file to another folder
_ALL_TCP = 1 << 0 | 1 << 1  # bind and connect


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    result: int = library.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def version() -> int:
    """Returns the version of Landlock in the running kernel; 0 if there is none."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_GET_VERSION))
    except OSError:  # an old kernel, or Landlock is turned off
        return 0


def restrict(writable: Sequence[Path] = (), *, programs: bool = False) -> bool:
    """Restricts this thread, and all threads and processes that it starts later. Call it before other threads run.

    They can still read files and use open descriptors. They cannot change files outside of `writable`, except
    /dev/null. They cannot start programs. With Linux 6.7 or newer, they cannot open TCP connections or ports.

    Args:
        writable: folders in which files can be changed.
        programs: whether programs can be started. The rules hold for them too.

    Returns:
        Whether the rules are in force: False without Landlock, or before Linux 5.19.
    """
    supported = version()
    if supported < _OLDEST:
        return False
    writing = _WRITE | (_TRUNCATE if supported >= 3 else 0)
    files = writing | _CHANGES | (0 if programs else _EXECUTE)
    rules = _Ruleset(files, _ALL_TCP if supported >= 4 else 0, 0)
    size = ctypes.sizeof(rules) if supported >= 6 else 16 if supported >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, allowed in [*((each, writing | _CHANGES) for each in writable), (Path(os.devnull), writing)]:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _PathBeneath(allowed, opened)
                _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
            finally:
                os.close(opened)
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0)))
        _call(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True
