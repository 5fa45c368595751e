"""Treats denormal numbers as zero in a thread, as TensorFlow does in its own threads."""

from __future__ import annotations

import ctypes
import platform
import sys

# By processor: the size of glibc's `fenv_t`, the offset of the control register in it, and the bits to set there.
_REGISTERS = {
    "x86_64": (32, 28, 1 << 15 | 1 << 6),  # MXCSR: flush to zero, denormals are zero
    "aarch64": (8, 0, 1 << 24),  # FPCR: flush to zero
}


def flush() -> None:
    """Makes this thread treat denormal numbers as zero, on Linux with glibc on a listed processor.

    Does nothing on other systems.
    """
    if sys.platform != "linux" or platform.machine() not in _REGISTERS or platform.libc_ver()[0] != "glibc":
        return
    size, offset, bits = _REGISTERS[platform.machine()]
    library = ctypes.CDLL("libm.so.6")
    environment = bytearray(size)
    buffer = (ctypes.c_char * size).from_buffer(environment)
    library.fegetenv(buffer)
    register = int.from_bytes(environment[offset : offset + 4], "little") | bits
    environment[offset : offset + 4] = register.to_bytes(4, "little")
    library.fesetenv(buffer)
