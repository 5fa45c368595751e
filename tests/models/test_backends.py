"""Every other test of this folder again, under each other Keras backend that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest

BACKENDS = ("jax", "tensorflow", "torch")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_models_run_on(backend: str) -> None:
    if backend == keras.backend.backend():
        pytest.skip("the backend of this run")
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    this = Path(__file__)
    command = [sys.executable, "-m", "pytest", "-q", str(this.parent), f"--ignore={this}"]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # most of the time goes into compiling
    done = subprocess.run(command, env=environment, cwd=this.parents[2], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
