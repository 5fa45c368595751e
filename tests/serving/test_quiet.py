"""Tests of the import of Keras in our own programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KERAS = """
import gc
collects = gc.isenabled()
missing = set()
for name in ("jax", "sklearn"):
    try:
        __import__(name)
    except ImportError:
        missing.add(name)
"""
PROGRAM = """
from keras_gallery.serving.quiet import import_keras
import_keras()
import gc, keras
print(*sorted(keras.missing))
import sklearn
print(sklearn.__name__)
print(keras.collects, gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("backend", "missing"), [("tensorflow", ["jax", "sklearn"]), ("jax", ["sklearn"]), ("", ["sklearn"])]
)
def test_keras_is_imported_without_unused_packages(backend: str, missing: list[str], tmp_path: Path) -> None:
    """A stand-in for Keras tries to import two packages. Afterwards, the program imports one of these packages.

    The garbage collector does not run during the import and is enabled afterwards.
    """
    (tmp_path / "keras.py").write_text(KERAS)
    for name in ("jax", "sklearn"):
        (tmp_path / f"{name}.py").write_text("")
    program = [sys.executable, "-c", PROGRAM]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "KERAS_BACKEND": backend}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*missing, "sklearn", "False", "True", "True"]
