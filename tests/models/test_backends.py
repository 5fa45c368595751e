"""Runs the other tests of this folder with each other installed Keras backend."""

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
# The formulas and the variants of each model are tested with one backend only. With all backends, every model is built,
# trained and saved, and layers and losses are compared with NumPy.
ONCE = (*list_models(), "padding")
MARKED = "not slow and not variant"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_models_run_on(backend: str) -> None:
    if backend == keras.backend.backend():
        pytest.skip("the backend of this run")
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    this = Path(__file__)
    once = [file for name in ONCE for file in this.parent.rglob(f"test_{name}.py")]
    ignored = [f"--ignore={file}" for file in (this, *once)]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", MARKED, str(this.parent), *ignored]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time is spent on compiling
    done = subprocess.run(command, env=environment, cwd=this.parents[2], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
