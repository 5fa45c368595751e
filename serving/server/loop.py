"""Runs the event loop of a server process."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

from .. import memory

# Parsing a request of nested lists creates thousands of objects. With Python's default threshold of 700, the garbage
# collector ran many times during the parsing, and these runs took six times as long as the parsing itself.
GARBAGE_THRESHOLDS = 50_000, 20, 20
# Python code in another thread, for example that decodes a large message, stops the event loop for this time at most.
SWITCH_SECONDS = 0.001


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` on a new event loop."""
    memory.limit_arenas()
    gc.freeze()  # the garbage collector then skips the imported modules
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(main)
