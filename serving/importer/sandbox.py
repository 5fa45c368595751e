"""Restricts the child process of an import: limits memory and time, and forbids harmful actions with an audit hook."""

from __future__ import annotations

import importlib._bootstrap_external
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import PermissionDenied

# The two programs that an import is allowed to start. TensorFlow.js runs no code from a model file.
WORKER = "keras_gallery.serving.engines.openvino.conversion_worker"
RUNNER = Path(__file__).parents[1] / "targets" / "tfjs" / "runner.cjs"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit events that change files. For each path in the event's arguments: the index of the path, and the index of the
# descriptor of the folder that a relative path starts from (None if the event has no such argument).
_CHANGES = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}
_PROCESSES = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")


def limit(memory: int, seconds: float) -> None:
    """Limits memory, processor time and file size of this process and its children, and turns core dumps off.

    Call this first. On Windows, this function does nothing, because Windows has no such limits.

    Args:
        memory: bytes that a process may allocate, and maximum size of a file in bytes.
        seconds: seconds that this process may compute on all cores.
    """
    try:
        import resource
    except ImportError:
        return
    for name, maximum in (
        ("RLIMIT_DATA", memory),  # limits allocated memory, but not the reserved address space, which is far larger
        ("RLIMIT_CPU", math.ceil(seconds * (os.cpu_count() or 1))),
        ("RLIMIT_FSIZE", memory),
        ("RLIMIT_CORE", 0),
    ):
        limit_id = getattr(resource, name)
        _, hard = resource.getrlimit(limit_id)
        bound = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
        resource.setrlimit(limit_id, (bound, bound))


def guard(*writable: Path) -> None:
    """Forbids actions that no import needs, until this process ends.

    This forbids processes other than the conversion worker and TensorFlow.js, sockets, pickles that name classes,
    compiled Python code outside of modules, and changes to files outside of the given folders. The audit hook sees
    the actions of Python, but not the actions of C libraries. `reading.vetting` and `saved_model.operations` refuse
    models that could do harm through a C library.

    Args:
        writable: folders in which files can be changed. The first folder is also used for temporary files.
    """
    folders = [os.path.realpath(folder) for folder in writable]
    tempfile.tempdir = folders[0]
    sys.dont_write_bytecode = True
    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
        **{name: _change_check(name, indices, folders) for name, indices in _CHANGES.items()},
        **dict.fromkeys(_PROCESSES, _refuse("starting a process")),
        **dict.fromkeys(("socket.__new__", "socket.connect", "socket.bind"), _refuse("using a socket")),
        "open": lambda arguments: _check_open(arguments, folders),
        "subprocess.Popen": _check_process,
        "pickle.find_class": _refuse("loading a class from a pickle"),
        "marshal.loads": _check_code,
    }

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in checks:
            checks[event](arguments)

    sys.addaudithook(hook)


def _refuse(what: str) -> Callable[[tuple[Any, ...]], None]:
    def check(arguments: tuple[Any, ...]) -> None:
        raise PermissionDenied(f"Forbidden during an import: {what}: {arguments!r:.200}")

    return check


def _change_check(
    event: str, indices: Sequence[tuple[int, int | None]], folders: Sequence[str]
) -> Callable[[tuple[Any, ...]], None]:
    def check(arguments: tuple[Any, ...]) -> None:
        for path_index, folder_index in indices:
            path, folder = arguments[path_index], -1 if folder_index is None else arguments[folder_index]
            if folder != -1 and not isinstance(path, int):
                path = f"/proc/self/fd/{folder}/{os.fsdecode(path)}"
            _check_path(path, folders, event)

    return check


def _check_path(path: Any, folders: Sequence[str], what: str) -> None:
    if isinstance(path, int):  # a descriptor: the file was checked when it was opened
        return
    real = os.path.realpath(os.fsdecode(path))
    if real != os.devnull and not any(os.path.commonpath((real, folder)) == folder for folder in folders):
        raise PermissionDenied(
            f"Forbidden during an import: changing a file outside of the import's folder: {what} {real}"
        )


def _check_open(arguments: tuple[Any, ...], folders: Sequence[str]) -> None:
    path, mode, flags = arguments
    if (flags or 0) & _WRITING or (isinstance(mode, str) and set(mode) & set("wax+")):
        _check_path(path, folders, "open")


def _check_process(arguments: tuple[Any, ...]) -> None:
    command = arguments[1]
    words = [] if isinstance(command, str) else [os.fsdecode(each) for each in command]
    if words[:4] != [sys.executable, "-P", "-m", WORKER] and words[:2] != ["node", str(RUNNER)]:
        _refuse("starting a process")((command,))


def _check_code(arguments: tuple[Any, ...]) -> None:
    if sys._getframe(2).f_globals is not vars(importlib._bootstrap_external):
        _refuse("loading compiled code")(())
