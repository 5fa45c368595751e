"""Limits how much freed memory the C library (glibc) keeps."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # from glibc's malloc.h
ARENAS = 2


def limit_arenas() -> None:
    """Limits glibc to two memory arenas, which all threads share. Call it before threads are started.

    By default glibc gives each thread its own arena, and other threads do not reuse the freed memory of this arena. The
    memory of a server that loads each version of a model in another thread would grow with every version.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Returns freed memory to the operating system, if the C library is glibc."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
