"""Runs functions.test.js, the tests of the page's pure functions, with Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from keras_gallery.serving.page.files import STATIC

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_pure_functions(tmp_path: Path) -> None:
    for file in [*STATIC.glob("*.js"), Path(__file__).with_name("functions.test.js")]:
        shutil.copy(file, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    command = [str(NODE), "--test", "--test-reporter=tap", "functions.test.js"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout
