"""Tests of the sandbox, each in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from keras_gallery.serving import landlock

pytestmark = pytest.mark.skipif(landlock.version() < 2, reason="needs Landlock of Linux 5.19 or newer")

START = """
import ctypes, os, socket, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from keras_gallery.serving import landlock
folder, inside = Path(sys.argv[1]), Path(sys.argv[1], "inside")

def in_thread(function, *arguments):
    with ThreadPoolExecutor() as threads:
        threads.submit(function, *arguments).result()

"""
TRIES = {
    "read": "(folder / 'old').read_text()",
    "write": "(folder / 'old').write_text('x')",
    "truncate": "os.truncate(folder / 'old', 0)",
    "create": "(folder / 'created').write_text('x')",
    "remove": "os.remove(folder / 'removed')",
    "make a folder": "(folder / 'made').mkdir()",
    "link": "os.link(folder / 'old', inside / 'linked')",
    "rename": "os.rename(inside / 'mine', folder / 'moved')",
    "write in C": "[] if ctypes.CDLL(None).creat(str(folder / 'in C').encode(), 0o600) >= 0 else 1 / 0",
    "write inside": "(inside / 'new').write_text('x')",
    "rename inside": "os.rename(inside / 'mine', inside / 'moved')",
    "write to nowhere": "Path(os.devnull).write_text('x')",
    "connect": "socket.socket().connect(('127.0.0.1', int(sys.argv[2])))",
    "bind": "socket.socket().bind(('127.0.0.1', 0))",
    "program": "subprocess.run(['true'], check=True)",
    "move inside": "os.makedirs(inside / 'deep') or os.rename(inside / 'mine', inside / 'deep' / 'mine')",
    "thread": "in_thread(os.mkdir, folder / 'threaded')",
}
ALLOWED = {"read", "write inside", "rename inside", "move inside", "write to nowhere"}


def succeeded(folder: Path, restrict: str) -> set[str]:
    """Returns the names of the tries that succeed after `restrict`, which is Python code."""
    (folder / "inside").mkdir(parents=True)
    for name in ("old", "removed"):
        (folder / name).write_text("old")
    program = START + restrict
    for name, code in TRIES.items():
        program += f"\n(inside / 'mine').write_text('mine')\ntry:\n    {code}\n    print({name!r})\n"
        program += "except (OSError, ZeroDivisionError):\n    pass"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder), str(listener.getsockname()[1])],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
    return set(done.stdout.splitlines())


def test_without_restriction(tmp_path: Path) -> None:
    """Otherwise the other tests would prove nothing."""
    assert succeeded(tmp_path / "place", "") == TRIES.keys()


def test_only_reading_and_the_own_folder_are_left(tmp_path: Path) -> None:
    allowed = ALLOWED if landlock.version() >= 4 else ALLOWED | {"connect", "bind"}
    assert succeeded(tmp_path / "place", "assert landlock.restrict([inside])") == allowed


def test_programs(tmp_path: Path) -> None:
    done = succeeded(tmp_path / "place", "assert landlock.restrict([inside], programs=True)")
    assert "program" in done and not done & {"write", "create", "remove", "write in C"}
