"""What the C library keeps of freed memory."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2


def keep_together() -> None:
    """Lets threads share their memory, where glibc would give each its own, which other threads' needs then never fill.

    To be called before there are threads. A hundred versions of a model, one after another, are loaded by ever other
    threads; with their own memory, a process grows over them.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Gives freed memory back to the system, where the C library is one that can."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
