"""The interface of an engine. An engine returns a callable on NumPy arrays for each signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..wire.signature import SignatureDef

Arrays = dict[str, np.ndarray[Any, Any]]


def bytes_of(arrays: Arrays) -> int:
    """Returns the size of all arrays in bytes, including the content of strings."""
    count = 0
    for array in arrays.values():
        count += array.nbytes
        if array.dtype.hasobject:
            count += sum(map(len, array.flat))
    return count


# Requests share a run only up to these sizes. Larger runs would not be faster, but they would need more memory, and the
# requests would wait longer.
MAX_JOINED_ROWS, MAX_JOINED_BYTES = 64, 1 << 20


class WouldBlock(Exception):
    """The call would block the event loop for a long time. The model was not run: call the runner again in a thread."""


def raise_in_event_loop() -> None:
    """Raises WouldBlock if an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise WouldBlock


class Runner(Protocol):
    """A signature that is ready to run. Any number of threads may call it."""

    engine: str  # the engine's name in the log and in metrics
    # Returns whether requests may share a run whose inputs are these arrays, joined along dimension 0. None if nobody
    # has checked whether the rows of a batch depend on each other.
    can_join: Callable[[Arrays], bool] | None

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on `inputs` (arrays by name) and returns the named `outputs`.

        Raises:
            ServingError: the model rejects the inputs, or the engine fails.
            WouldBlock: the caller runs in an event loop, and the call would take long, for example because it starts
                a process.
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
