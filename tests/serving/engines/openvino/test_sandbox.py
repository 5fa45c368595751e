"""Tests of the sandbox of the conversion: a model that the comparison runs cannot write to other folders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from keras_gallery.serving import landlock

PROGRAM = """
import ctypes, sys, tempfile
from pathlib import Path
from keras_gallery.serving.engines.openvino import conversion_worker

def convert(folder, tags, target):
    tempfile.TemporaryFile().close()
    results = [ctypes.CDLL(None).creat(str(Path(place, "written")).encode(), 0o600) >= 0 for place in (target, folder)]
    print(*results, flush=True)

conversion_worker.convert = convert
conversion_worker.main()
"""


@pytest.mark.skipif(landlock.version() < 2, reason="needs Landlock of Linux 5.19 or newer")
def test_only_the_folder_of_the_converted_model_is_writable(tmp_path: Path) -> None:
    folder, target = tmp_path / "model", tmp_path / "converted"
    folder.mkdir()
    target.mkdir()
    command = [sys.executable, "-c", PROGRAM, "0", str(folder), str(target), "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "True False\n"  # stdin is open until here: the program ends when it closes
        assert program.wait(60) == 0
    assert [each.name for each in target.iterdir()] == ["written"] and not any(folder.iterdir())
