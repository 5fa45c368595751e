"""Runs the event loop of a server process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

from .. import memory

# Parsing a request of nested lists creates thousands of objects. With Python's default threshold of 700, the garbage
# collector ran many times during the parsing, and these runs took six times as long as the parsing itself.
GARBAGE_THRESHOLDS = 50_000, 20, 20


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` on a new event loop, with uvloop if it is installed."""
    memory.limit_arenas()
    gc.freeze()  # the garbage collector then skips the imported modules
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.Loop  # type: ignore[no-any-return]
