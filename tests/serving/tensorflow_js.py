"""TensorFlow.js for the tests: what `npm ci` in tests/javascript installs, as `make test` does where there is npm."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[1] / "javascript" / "node_modules"
needs_tensorflow_js = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "@tensorflow" / "tfjs-core").is_dir(),
    reason="needs Node, and npm ci in tests/javascript",
)
