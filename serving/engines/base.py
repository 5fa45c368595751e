"""What an engine gives: for each signature, a callable on NumPy arrays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..wire.signature import SignatureDef

Arrays = dict[str, np.ndarray[Any, Any]]


def bytes_of(arrays: Arrays) -> int:
    """How many bytes of numbers and strings there are."""
    count = 0
    for array in arrays.values():
        count += array.nbytes
        if array.dtype.hasobject:
            count += sum(map(len, array.flat))
    return count


class NotHere(Exception):
    """This run would block the event loop for long: nothing was done, call the runner again in a thread."""


def refuse_event_loop() -> None:
    """Raises NotHere where an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise NotHere


class Runner(Protocol):
    """One signature, ready to run. Any number of threads may call it."""

    engine: str  # what the log and the metrics call the engine

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on `inputs` (by name) and returns the named `outputs`.

        Raises:
            ServingError: inputs that the model refuses, or an engine that failed.
            NotHere: called on an event loop for something that takes long, such as starting a process.
        """

    def close(self) -> None:
        """Gives back what the runner holds. Runs that have begun end well."""


class Engine(Protocol):
    """A way of running signatures."""

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Runners for those signatures of the SavedModel in `folder` that this engine takes.

        Raises `ServingError` where the SavedModel can't be loaded at all.
        """

    def close(self) -> None:
        """Ends what the engine started."""
