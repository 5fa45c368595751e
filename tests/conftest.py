"""What all tests need."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Iterator

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # A run in the background may ignore Ctrl-C, and so would the processes that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Keras on TensorFlow reads its variables with a call that NumPy 2 deprecates.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
    )


@pytest.fixture(autouse=True)
def denormal_numbers() -> Iterator[None]:
    """OpenVINO leaves a thread in which it ran with denormal numbers counted as zero: other tests need them."""
    yield
    if sys.platform == "linux":
        default_environment = ctypes.c_void_p(-1)  # FE_DFL_ENV
        ctypes.CDLL("libm.so.6").fesetenv(default_environment)
