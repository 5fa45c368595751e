"""Denormal numbers count as zero in the threads in which TensorFlow computes; ours must do as its own do."""

from __future__ import annotations

import ctypes
import platform
import sys

# In glibc's `fenv_t`, by processor: its size, where the control register stands, and the bits to set there.
_REGISTERS = {
    "x86_64": (32, 28, 1 << 15 | 1 << 6),  # MXCSR: flush to zero, denormals are zero
    "aarch64": (8, 0, 1 << 24),  # FPCR: flush to zero
}


def flush() -> None:
    """From now on this thread takes denormal numbers for zero, where its processor and C library are known."""
    if sys.platform != "linux" or platform.machine() not in _REGISTERS or platform.libc_ver()[0] != "glibc":
        return
    size, at, bits = _REGISTERS[platform.machine()]
    library = ctypes.CDLL("libm.so.6")
    environment = bytearray(size)
    place = (ctypes.c_char * size).from_buffer(environment)
    library.fegetenv(place)
    register = int.from_bytes(environment[at : at + 4], "little") | bits
    environment[at : at + 4] = register.to_bytes(4, "little")
    library.fesetenv(place)
