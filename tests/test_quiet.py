"""Nothing of ours, nor of our dependencies, contacts anybody or writes into the home folder on import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Records name resolution and connections, and refuses them; what it prints last are those, and the files at home.
WATCH = """
import os, pathlib, socket, sys, threading
asked = []
def watch(event, arguments):
    resolves = event in ("socket.getaddrinfo", "socket.gethostbyname")
    if resolves or event == "socket.connect" and isinstance(arguments[1], tuple):
        asked.append(f"{event} {arguments[:2]}")
        raise OSError("no network in this test")
sys.addaudithook(watch)
%s
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(5)
print(asked, [str(file) for file in pathlib.Path.home().rglob("*")])
"""


def run_watched(code: str, home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH % code], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    return done.stdout.splitlines()[-1]


def test_importing_openvino_contacts_nobody(tmp_path: Path) -> None:
    engines = (
        "openvino.engine",
        "openvino.conversion_worker",
        "recurrent.fusion",
    )
    imports = "".join(f"import keras_gallery.serving.engines.{name}\n" for name in engines)
    assert run_watched(f"{imports}import openvino\nopenvino.Core()", tmp_path) == "[] []"


@pytest.mark.long
def test_the_check_sees_what_openvino_does_otherwise(tmp_path: Path) -> None:
    """Without our package the import of OpenVINO is noticed."""
    assert "openvino_ga_cid" in run_watched("import openvino", tmp_path)
