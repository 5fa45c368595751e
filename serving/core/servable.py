"""One version of a model, loaded: its signatures, each with the runner of the engine that took it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ..batching.batcher import Batcher
from ..engines.base import Arrays, Runner, bytes_of
from ..wire.signature import SignatureDef

# A run this short may block the event loop: handing it to a thread would cost more than it saves.
QUICK_SECONDS = 0.002
# One of a size that was quick before, and took this long, does not go by size. It must be quick many times again.
SLOW_SECONDS = 0.01
QUICK_RUNS = 1000


class Signature:
    """A signature and its runner, and what runs have shown of the time that they take.

    Attributes:
        definition: names, dtypes and shapes of inputs and outputs.
        quick_bytes: up to so many bytes of inputs a run is quick; under 0: none is known to be.
        batcher: joins requests; None: each is run by itself.
    """

    def __init__(self, definition: SignatureDef, runner: Runner) -> None:
        self.definition = definition
        self.runner = runner
        self.quick_bytes = -1
        self.batcher: Batcher | None = None
        self._ignored = 0  # quick runs that there must be before one counts

    def is_quick(self, inputs: Arrays) -> bool:
        """Whether a run is so short that it may block the event loop, going by those that there were."""
        return bytes_of(inputs) <= self.quick_bytes

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """The named outputs for `inputs`, which have passed `inference.check`."""
        started = perf_counter()
        found = self.runner(inputs, outputs)
        seconds = perf_counter() - started
        if seconds < QUICK_SECONDS:
            if bytes_of(inputs) > self.quick_bytes:
                self._found_quick(bytes_of(inputs))
        elif seconds > SLOW_SECONDS and self.is_quick(inputs):
            self.quick_bytes, self._ignored = -1, QUICK_RUNS
        return found

    def _found_quick(self, size: int) -> None:
        if self._ignored:
            self._ignored -= 1
        else:
            self.quick_bytes = size


class Servable:
    """A loaded version. It counts its users, so that it is closed only after the last request on it ended."""

    def __init__(self, name: str, version: int, meta_graph: Any, signatures: dict[str, Signature]) -> None:
        self.name = name
        self.version = version
        self.meta_graph = meta_graph
        self.signatures = signatures
        self._users = 0
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self) -> bool:
        """Keeps the servable open until `release`; False if it is closed, which it is not before its last user left."""
        with self._changed:
            if self._closed and not self._users:
                return False
            self._users += 1
            return True

    def release(self) -> None:
        """Takes back one `acquire`."""
        with self._changed:
            self._users -= 1
            if not self._users:
                self._changed.notify_all()

    def close(self) -> None:
        """Waits for the requests in flight, then frees the model."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._users)
        for signature in self.signatures.values():
            signature.runner.close()
