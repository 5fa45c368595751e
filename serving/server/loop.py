"""Runs the event loop of a server process, and ends a process that does not stop by itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from .. import memory

# Parsing a request of nested lists creates thousands of objects. With Python's default threshold of 700, the garbage
# collector ran many times during the parsing, and these runs took six times as long as the parsing itself.
GARBAGE_THRESHOLDS = 50_000, 20, 20
# Python code in another thread, for example that decodes a large message, stops the event loop for this time at most.
SWITCH_SECONDS = 0.001
log = logging.getLogger(__name__)
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a new event loop, and returns its result."""
    memory.limit_arenas()
    gc.freeze()  # the garbage collector then skips the imported modules
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    return asyncio.run(main)


def exit_in(seconds: float) -> None:
    """Ends this process after `seconds`, with exit status 1, even if a model or a file system hangs."""

    def leave() -> None:
        log.error("the server did not stop in time: ending it")
        exit_now(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # no thread can be started: a signal ends the process
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(math.ceil(seconds))


def exit_now(status: int) -> NoReturn:
    """Ends this process. The libraries do not free their models one by one, and threads that hang do not matter."""
    with contextlib.suppress(OSError, ValueError):  # nobody reads the output any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
