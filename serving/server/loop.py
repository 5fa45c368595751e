"""The event loop of a server process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

from .. import memory

# A request of nested lists is thousands of objects at once: with Python's own 700 it would be searched for cycles, and
# everything else with it, over and over while it is read. That took six times as long as the reading.
GARBAGE_THRESHOLDS = 50_000, 20, 20


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` on uvloop where there is one."""
    memory.limit_arenas()
    gc.freeze()  # what is there by now stays
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.Loop  # type: ignore[no-any-return]
