"""Tests that the list of allowed operations is the one that the installed TensorFlow gives."""

from __future__ import annotations

import subprocess
import sys

import pytest
from keras_gallery.serving.allowed_operations import allowed


@pytest.mark.models
def test_the_list_is_up_to_date() -> None:
    """In another process, because the test loads TensorFlow's C library."""
    program = "from tools.build_allowed_operations import names; print(*names())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == allowed()
