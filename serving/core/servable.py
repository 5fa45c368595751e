"""A loaded version of a model, with a runner for each signature."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from ..batching.batcher import Batcher
from ..batching.gatherer import Gatherer
from ..engines.base import LOOP_SECONDS, Arrays, Runner, WouldBlock, are_at_most, bytes_of
from ..errors import FailedPrecondition
from ..saved_model import INTERNAL
from ..wire.signature import SignatureDef

# A run that takes less than QUICK_SECONDS is allowed to block the event loop: a switch to a thread would take longer.
QUICK_SECONDS = 0.002
# If a run of a quick size takes more than LOOP_SECONDS, the system has interrupted it, or the size does not predict the
# time. The signature then runs in threads until FEW_QUICK_RUNS runs have been quick. If this happens again within
# SLOW_AGAIN_SECONDS, it needs twice as many quick runs as before, up to QUICK_RUNS. After a run of more than
# VERY_SLOW_SECONDS, which is seldom an interruption, it needs QUICK_RUNS at once.
FEW_QUICK_RUNS, QUICK_RUNS = 50, 1000
SLOW_AGAIN_SECONDS, VERY_SLOW_SECONDS = 60.0, 10 * LOOP_SECONDS


class Signature:
    """A signature with its runner and the measured times of its runs.

    Attributes:
        definition: names, dtypes and shapes of inputs and outputs.
        runner: runs the signature in an engine.
        quick_bytes: a run is expected to be quick if the inputs have at most this many bytes. A negative number means
            that no run is expected to be quick.
        batcher: runs requests in batches with TensorFlow Serving's parameters; None without --enable_batching.
        gatherer: runs the requests that are there as one batch; None if the rows of a batch may depend on each other,
            or if there is a batcher.
    """

    def __init__(self, definition: SignatureDef, runner: Runner) -> None:
        self.definition = definition
        self.runner = runner
        self.quick_bytes = -1
        self.batcher: Batcher | None = None
        self.gatherer: Gatherer | None = None
        self._ignored = 0  # number of further quick runs that do not change `quick_bytes`
        self._needed = 0  # the value of `_ignored` after the last slow run
        self._last_slow = 0.0  # the time of this run

    def is_quick(self, inputs: Arrays) -> bool:
        """Returns whether a run with these inputs is probably short enough to block the event loop."""
        return are_at_most(inputs, self.quick_bytes)

    def can_join(self, inputs: Arrays) -> bool:
        """Returns whether requests may share a run with these joined inputs."""
        return self.runner.can_join is not None and self.runner.can_join(inputs)

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on checked inputs (see `checks`) and returns the named outputs.

        Raises the errors of the runner, also WouldBlock.
        """
        started = perf_counter()
        try:
            result = self.runner(inputs, outputs)
        except WouldBlock as blocked:
            if blocked.resume is not None:
                self._note_slow(started, LOOP_SECONDS)
            raise
        seconds = perf_counter() - started
        if seconds < QUICK_SECONDS:
            if not self.is_quick(inputs):
                self._note_quick(bytes_of(inputs))
        elif seconds > LOOP_SECONDS and self.is_quick(inputs):
            self._note_slow(started, seconds)
        return result

    def _note_slow(self, started: float, seconds: float) -> None:
        if seconds > VERY_SLOW_SECONDS:
            self._needed = QUICK_RUNS
        elif self._needed and started - self._last_slow < SLOW_AGAIN_SECONDS:
            self._needed = min(2 * self._needed, QUICK_RUNS)
        else:
            self._needed = FEW_QUICK_RUNS
        self.quick_bytes, self._ignored, self._last_slow = -1, self._needed, started

    def _note_quick(self, size: int) -> None:
        if self._ignored:
            self._ignored -= 1
        else:
            self.quick_bytes = size


class Servable:
    """A loaded version, with a count of the requests that use it. `close` frees the model after the last request."""

    def __init__(
        self, name: str, version: int, meta_graph: Any, signatures: dict[str, Signature], folder: Path = Path()
    ) -> None:
        self.name = name
        self.version = version
        self.folder = folder
        self.meta_graph = meta_graph
        self.signatures = signatures
        self._users = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def users(self) -> int:
        """The number of requests and runs that use the servable."""
        return self._users

    def acquire(self) -> bool:
        """Keeps the servable loaded until `release`. Returns False if the servable is closed and not in use."""
        with self._changed:
            if self._closed and not self._users:
                return False
            self._users += 1
            return True

    def release(self) -> None:
        """Undoes one `acquire`."""
        with self._changed:
            self._users -= 1
            if not self._users:
                self._changed.notify_all()

    def check_can_run(self, signature: str) -> None:
        """Raises FailedPrecondition if the model has this signature, but no engine of this server can run it."""
        if signature in self.signatures or signature.startswith(INTERNAL):
            return
        if signature in self.meta_graph.signature_def:
            raise FailedPrecondition(
                f'The signature "{signature}" needs TensorFlow, which is not installed on the server. '
                f"These signatures of the model need no TensorFlow: {', '.join(sorted(self.signatures))}."
            )

    def close(self) -> None:
        """Waits for the requests in progress, then frees the model."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._users)
        for signature in self.signatures.values():
            signature.runner.close()
