"""Importing our OpenVINO engines opens no network connection and writes no file to the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Records and blocks name resolution and connections. Then prints the recorded calls and the files in the home folder.
WATCH = """
import os, pathlib, socket, sys, threading
calls = []
def watch(event, arguments):
    resolves = event in ("socket.getaddrinfo", "socket.gethostbyname")
    if resolves or event == "socket.connect" and isinstance(arguments[1], tuple):
        calls.append(f"{event} {arguments[:2]}")
        raise OSError("no network in this test")
sys.addaudithook(watch)
%s
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(5)
print(calls, [str(file) for file in pathlib.Path.home().rglob("*")])
"""


def run_watched(code: str, home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH % code], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    return done.stdout.splitlines()[-1]


def test_importing_the_openvino_engines_opens_no_connection(tmp_path: Path) -> None:
    engines = (
        "openvino.engine",
        "openvino.conversion_worker",
        "recurrent.fusion",
    )
    imports = "".join(f"import keras_gallery.serving.engines.{name}\n" for name in engines)
    assert run_watched(f"{imports}import openvino\nopenvino.Core()", tmp_path) == "[] []"


@pytest.mark.long
def test_plain_openvino_has_telemetry(tmp_path: Path) -> None:
    """Without our package, importing OpenVINO writes an ID for its telemetry. `run_watched` must detect this."""
    assert "openvino_ga_cid" in run_watched("import openvino", tmp_path)
