"""The interface of an engine. An engine returns a callable on NumPy arrays for each signature."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..wire.signature import SignatureDef

Arrays = dict[str, np.ndarray[Any, Any]]


# The time (`time.monotonic`) after which nobody waits for the outputs of the current run.
DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)
# Returns whether the client of the current run has gone: it has cancelled the request, or closed the connection.
IS_ABANDONED: ContextVar[Callable[[], bool]] = ContextVar("is_abandoned", default=lambda: False)
# An engine may wait for another process on the event loop up to this time.
LOOP_SECONDS = 0.01


def bytes_of(arrays: Arrays) -> int:
    """Returns the size of all arrays in bytes, including the content of strings."""
    count = 0
    for array in arrays.values():
        count += array.nbytes
        if array.dtype.hasobject:
            count += sum(map(len, array.flat))
    return count


def are_at_most(arrays: Arrays, limit: float) -> bool:
    """Returns whether the arrays have at most `limit` bytes. Takes little time, also for millions of strings."""
    strings = []
    for array in arrays.values():
        limit -= array.nbytes
        if array.dtype.hasobject:
            strings.append(array)
    return limit >= 0 and (not strings or sum([sum(map(len, array.flat)) for array in strings]) <= limit)


# Requests share a run only up to these sizes. Larger runs would not be faster, but they would need more memory, and the
# requests would wait longer.
MAX_JOINED_ROWS, MAX_JOINED_BYTES = 64, 1 << 20


class WouldBlock(Exception):
    """The call would block the event loop for a long time.

    Attributes:
        resume: if the run has begun, waits for its end and returns the outputs. Call it in a thread. None if the run
            has not begun: call the runner again in a thread.
    """

    def __init__(self, resume: Callable[[], Arrays] | None = None) -> None:
        super().__init__()
        self.resume = resume


def in_event_loop() -> bool:
    """Returns whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def raise_in_event_loop() -> None:
    """Raises WouldBlock if an event loop runs in this thread."""
    if in_event_loop():
        raise WouldBlock


class Runner(Protocol):
    """A signature that is ready to run. Any number of threads may call it."""

    engine: str  # the engine's name in the log and in metrics
    # Returns whether requests may share a run whose inputs are these arrays, joined along dimension 0. None if nobody
    # has checked whether the rows of a batch depend on each other.
    can_join: Callable[[Arrays], bool] | None

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on `inputs` (arrays by name) and returns the named `outputs`.

        If nobody waits for the outputs after `DEADLINE`, or if `IS_ABANDONED`, an engine may end the run.

        Raises:
            ServingError: the model rejects the inputs, or the engine fails.
            WouldBlock: the caller runs in an event loop, and the call would take long, for example because it starts
                a process, or because the inputs decide how long the run takes.
        """

    def close(self) -> None:
        """Frees the runner's resources. Runs in progress still finish."""


class Engine(Protocol):
    """Loads models and runs their signatures."""

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Returns a runner for each of `signatures` that this engine can run, by name.

        Args:
            folder: folder of the model version.
            signatures: signatures of this model version, by name.

        Raises:
            ServingError: the model can't be loaded.
        """

    def close(self) -> None:
        """Frees the engine's resources and ends the processes and connections that it started."""
