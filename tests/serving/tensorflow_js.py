"""Finds the TensorFlow.js packages that `npm ci` installs in tests/javascript.

`make test` runs `npm ci` if npm is installed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[1] / "javascript" / "node_modules"
needs_tensorflow_js = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "@tensorflow" / "tfjs-core").is_dir(),
    reason="needs Node and the packages that npm ci installs in tests/javascript",
)
