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
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
    assert [each.name for each in target.iterdir()] == ["written"] and not any(folder.iterdir())
