"""Runs the other test files of this folder with every installed Keras backend except the current one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest
from keras_gallery.models import list_models

BACKENDS = ("jax", "tensorflow", "torch")
# Only the current backend runs the tests of formulas, of variants and of files. Every backend runs the tests that build
# and train all models, and the tests that compare layers and losses with NumPy.
ONCE = (*list_models(), "padding")
MARKED = "not slow and not variant"


@pytest.mark.parametrize("backend", BACKENDS)
def test_models_on_another_backend(backend: str) -> None:
    if backend == keras.backend.backend():
        pytest.skip("the backend of this run")
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    this = Path(__file__)
    once = [file for name in ONCE for file in this.parent.rglob(f"test_{name}.py")]
    ignored = [f"--ignore={file}" for file in (this, *once)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", MARKED, str(this.parent), *ignored]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time is spent on compiling
    done = subprocess.run(command, env=environment, cwd=this.parents[2], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
