"""Limits the memory that steps take for values that are much larger than the request, such as decoded pictures."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from .. import limits

QUICK_BYTES = 1 << 16  # less memory needs no wait, and takes so little time that the step may run on the event loop
WAIT_SECONDS = 10.0
# For all steps that this process runs at the same time. There may be a process for each core.
BUDGET = limits.WaitingBudget(limits.share_of_memory(2 * (os.cpu_count() or 1)))


@contextlib.contextmanager
def memory(size: int) -> Iterator[None]:
    """Waits until `size` bytes are free in the budget, and holds them during the block.

    Raises ResourceExhausted if they are not free after `WAIT_SECONDS`.
    """
    with BUDGET.hold(size, WAIT_SECONDS) if size > QUICK_BYTES else contextlib.nullcontext():
        yield
