"""One version of a model, loaded: its signatures, each with the runner of the engine that took it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from .batching import Batcher
from .engines import Arrays, Runner
from .saved_model import SignatureDef


class Signature:
    """A signature and its runner.

    Attributes:
        definition: names, dtypes and shapes of inputs and outputs.
        quick: whether a run is so short that it may block the event loop.
        batcher: joins requests; None: each is run by itself.
    """

    def __init__(self, definition: SignatureDef, runner: Runner) -> None:
        self.definition = definition
        self.runner = runner
        self.quick = False
        self.batcher: Batcher | None = None

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """The named outputs for `inputs`, which have passed `inference.check`."""
        return self.runner(inputs, outputs)


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
