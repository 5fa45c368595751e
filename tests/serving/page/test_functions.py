"""Runs functions.test.js, the tests of the page's pure functions, with Node."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.serving.page.files import STATIC
from PIL import Image

NODE = shutil.which("node")


needs_node = pytest.mark.skipif(NODE is None, reason="needs Node")


@needs_node
def test_pure_functions(tmp_path: Path) -> None:
    for file in [*STATIC.glob("*.js"), Path(__file__).with_name("functions.test.js")]:
        shutil.copy(file, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    command = [str(NODE), "--test", "--test-reporter=tap", "functions.test.js"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout


@needs_node
@pytest.mark.parametrize("shape", [(3, 5, 1), (2, 4, 3), (300, 256, 1)], ids=str)
def test_png_files_are_those_that_pillow_reads(shape: tuple[int, int, int], tmp_path: Path) -> None:
    """The last file has more bytes than one block of its compression method."""
    height, width, channels = shape
    (tmp_path / "png.mjs").write_text((STATIC / "png.js").read_text("utf-8"), "utf-8")
    program = (
        "import { encodePng } from './png.mjs';"
        f"const values = Array.from({{ length: {height * width * channels} }}, (_, at) => (at % 251) / 255);"
        f"process.stdout.write(encodePng({{ height: {height}, width: {width}, channels: {channels}, values }}));"
    )
    command = [str(NODE), "--input-type=module", "-e", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert picture.mode == ("L" if channels == 1 else "RGB")
        pixels = np.asarray(picture).reshape(shape)
    np.testing.assert_array_equal(pixels, (np.arange(pixels.size) % 251).reshape(shape))
