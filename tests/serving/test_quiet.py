"""Tests of the import of Keras in our own programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERAS = """
try:
    import sklearn
except ImportError:
    sklearn = None
"""
PROGRAM = """
from keras_gallery.serving.quiet import import_keras
import_keras()
import keras
print(keras.sklearn)
import sklearn
print(sklearn.__name__)
"""


def test_keras_is_imported_without_unused_packages(tmp_path: Path) -> None:
    """A stand-in for Keras looks for a package. Afterwards, the program imports this package."""
    (tmp_path / "keras.py").write_text(KERAS)
    (tmp_path / "sklearn.py").write_text("")
    program = [sys.executable, "-c", PROGRAM]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "sklearn"]
