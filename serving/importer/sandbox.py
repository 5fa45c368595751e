"""What the child process of an import may do: so much memory and time, and nothing but its own work."""

from __future__ import annotations

import importlib._bootstrap_external
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import limits
from ..errors import PermissionDenied

MEMORY_SHARE = 0.75
CPU_SECONDS = 1800
WORKER = "keras_gallery.serving.engines.openvino.conversion_worker"
RUNNER = Path(__file__).parents[1] / "targets" / "tfjs" / "runner.cjs"  # in TensorFlow.js no layer runs code of a file

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Which of an event's arguments are paths that it changes, each with the place of the folder that it is relative to.
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


def limit() -> None:
    """Bounds this process and those that it starts: memory, processor time, the size of a file; no core is dumped.

    To be called first. Does nothing on Windows, which has no such limits.
    """
    try:
        import resource
    except ImportError:
        return
    memory = int(limits.memory() * MEMORY_SHARE)
    for name, most in (
        ("RLIMIT_DATA", memory),  # what is allocated; address space is reserved far beyond that
        ("RLIMIT_CPU", CPU_SECONDS),
        ("RLIMIT_FSIZE", limits.memory()),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (wanted, wanted))


def guard(*writable: Path) -> None:
    """Forbids, from now on and for good, what no import does by itself.

    These are other processes than the conversion worker and TensorFlow.js, sockets, pickles that name classes, Python's
    compiled code but for modules, and changes to files outside of the given folders. It sees what Python does; what
    libraries in C do, the vetting keeps from being asked for.

    Args:
        writable: folders that may be written to; the first one is for temporary files.
    """
    folders = [os.path.realpath(folder) for folder in writable]
    tempfile.tempdir = folders[0]
    sys.dont_write_bytecode = True
    checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
        **{name: _changing(name, places, folders) for name, places in _CHANGES.items()},
        **dict.fromkeys(_PROCESSES, _refuse("processes")),
        **dict.fromkeys(("socket.__new__", "socket.connect", "socket.bind"), _refuse("sockets")),
        "open": lambda arguments: _check_open(arguments, folders),
        "subprocess.Popen": _check_process,
        "pickle.find_class": _refuse("pickles"),
        "marshal.loads": _check_code,
    }

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in checks:
            checks[event](arguments)

    sys.addaudithook(hook)


def _refuse(what: str) -> Callable[[tuple[Any, ...]], None]:
    def check(arguments: tuple[Any, ...]) -> None:
        raise PermissionDenied(f"Expected an import that needs no {what}. Received: {arguments!r:.200}")

    return check


def _changing(
    event: str, places: Sequence[tuple[int, int | None]], folders: Sequence[str]
) -> Callable[[tuple[Any, ...]], None]:
    def check(arguments: tuple[Any, ...]) -> None:
        for at, beside in places:
            path, folder = arguments[at], -1 if beside is None else arguments[beside]
            if folder != -1 and not isinstance(path, int):
                path = f"/proc/self/fd/{folder}/{os.fsdecode(path)}"
            _check_path(path, folders, event)

    return check


def _check_path(path: Any, folders: Sequence[str], what: str) -> None:
    if isinstance(path, int):  # is open already
        return
    real = os.path.realpath(os.fsdecode(path))
    if real != os.devnull and not any(os.path.commonpath((real, folder)) == folder for folder in folders):
        raise PermissionDenied(f"Expected an import that changes nothing but its own files. Received: {what} {real}")


def _check_open(arguments: tuple[Any, ...], folders: Sequence[str]) -> None:
    path, mode, flags = arguments
    if (flags or 0) & _WRITING or (isinstance(mode, str) and set(mode) & set("wax+")):
        _check_path(path, folders, "open")


def _check_process(arguments: tuple[Any, ...]) -> None:
    command = arguments[1]
    given = [] if isinstance(command, str) else [os.fsdecode(each) for each in command]
    if given[:4] != [sys.executable, "-P", "-m", WORKER] and given[:2] != ["node", str(RUNNER)]:
        _refuse("processes")((command,))


def _check_code(arguments: tuple[Any, ...]) -> None:
    if sys._getframe(2).f_globals is not vars(importlib._bootstrap_external):
        _refuse("compiled code")(())
