"""Runs one signature of a SavedModel in the TensorFlow process."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from ... import limits, picture_sizes
from ...errors import Cancelled, DeadlineExceeded, InvalidArgument, ServingError
from ...wire.signature import SignatureDef
from ..base import DEADLINE, IS_ABANDONED, LOOP_SECONDS, Arrays, WouldBlock, in_event_loop
from ..graph import LOOPS, Graph
from . import image_operations, png_files
from .breaker import Breaker, ProcessEnded
from .connections import Started
from .model import Model

# Maximum number of different sets of outputs. TensorFlow keeps an executor for each set, and clients choose the sets.
_OUTPUT_CHOICES = 64
_LATE_SECONDS = 0.05  # TensorFlow ends a run this time after its deadline, so that the client gets the server's error
# Time limit of a run with loops that has no deadline. Its client may have gone, and the loop may have no end.
_MAX_LOOP_SECONDS = 600.0
# A run with loops is ended if it goes on for this time after its client has gone.
ABANDONED_SECONDS, _STEP_SECONDS = 20.0, 1.0
_MAX_PICTURE_BYTES = limits.share_of_memory(1)  # for decoding one picture, and for the images of an input
_MAX_LIMIT_SECONDS = 86400.0  # of a run with a deadline


class TensorFlowRunner:
    """Runs one signature in the TensorFlow process."""

    engine = "tensorflow"
    can_join: Callable[[Arrays], bool] | None = None

    def __init__(self, model: Model, signature: SignatureDef, graph: Graph | None) -> None:
        operations = {node.op for node in graph.nodes_of(signature)} if graph else set()
        self.model = model
        self._shapes = image_operations.declared_shapes(signature, operations)
        self._files = {name: signature.inputs[name] for name in png_files.inputs(signature, operations)}
        self._has_loops = not LOOPS.isdisjoint(operations)
        self._inputs = {name: spec.tensor for name, spec in sorted(signature.inputs.items())}
        self._outputs = {name: spec.tensor for name, spec in sorted(signature.outputs.items())}
        self._signature = signature
        self._choices: set[tuple[str, ...]] = set()
        self._breaker = Breaker(signature.name)
        self._closed = False

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        begun = self._breaker.begin()
        if not self._breaker.is_suspect:
            return self._guarded(begun, self._run, inputs, outputs)
        with self.model.connections.alone():
            return self._guarded(self._breaker.begin(), self._run, inputs, outputs)

    def _guarded(self, begun: float, function: Callable[..., Arrays], *arguments: Any) -> Arrays:
        """Calls a function that runs the model. Tells the breaker whether the TensorFlow process ended."""
        try:
            return function(*arguments)
        except WouldBlock as blocked:
            if blocked.resume is None:
                raise
            raise WouldBlock(functools.partial(self._guarded, begun, blocked.resume)) from None
        except ProcessEnded:
            self._breaker.died(begun)
            raise
        finally:
            if self._closed:
                self.model.free_if_unused()

    def _run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        image_operations.check(inputs, self._shapes)
        png_files.check(inputs, self._files)
        decoded = picture_sizes.needed_bytes(inputs, self._files, _MAX_PICTURE_BYTES)
        names = self._choice(outputs)
        feeds = [(tensor, inputs[name]) for name, tensor in self._inputs.items()]
        fetches = [self._outputs[name] for name in names]
        number = self.model.number()
        started = self.model.connections.start(number, feeds, fetches, self._milliseconds(), decoded)
        if in_event_loop() and not started.has_ended(LOOP_SECONDS):
            raise WouldBlock(functools.partial(self._finish, started, number, names, inputs, outputs))
        return self._finish(started, number, names, inputs, outputs)

    def _milliseconds(self) -> int:
        """Returns the time limit of a run, 0 for no limit. Raises DeadlineExceeded if no time is left.

        A run without loops needs no limit: its inputs limit its time.
        """
        left = DEADLINE.get() - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("Deadline Exceeded")
        if not self._has_loops:
            return 0
        if left == math.inf:
            return int(_MAX_LOOP_SECONDS * 1000)
        return math.ceil((min(left, _MAX_LIMIT_SECONDS) + _LATE_SECONDS) * 1000)

    def _finish(
        self, started: Started, number: int, names: Sequence[str], inputs: Arrays, outputs: Sequence[str]
    ) -> Arrays:
        if self._has_loops:
            self._wait(started, number)
        try:
            results = started.result()
        except ProcessEnded:
            raise
        except ServingError:
            self._breaker.completed()
            raise
        if results is None and IS_ABANDONED.get()():
            raise Cancelled("The client has cancelled the request.")
        if results is None:  # the process was restarted, or the runs of the model were stopped
            self.model.number(stale=number)
            return self._run(inputs, outputs)
        self._breaker.completed()
        arrays = dict(zip(names, results, strict=True))
        if self._shapes:
            self._check_outputs(inputs, arrays)
        return {name: arrays[name] for name in outputs}

    def _wait(self, started: Started, number: int) -> None:
        """Waits for a run with loops. Stops the runs of the model if the run goes on long after its client has gone.

        TensorFlow's C library cannot end a single run. The other runs of the model are repeated.
        """
        is_abandoned, since = IS_ABANDONED.get(), math.inf
        while not started.has_answer(_STEP_SECONDS):
            if is_abandoned():
                since = min(since, time.monotonic())
                if time.monotonic() - since >= ABANDONED_SECONDS:
                    since = math.inf  # if the runs were stopped shortly before, tries again
                    self.model.connections.stop(number)

    def _check_outputs(self, inputs: Arrays, arrays: Arrays) -> None:
        """Raises InvalidArgument if an output has a wrong shape.

        This happens for inputs that are too small: oneDNN then returns uninitialised memory.
        """
        if not all(spec.accepts(inputs[name].shape) for name, spec in self._signature.inputs.items()):
            return  # for inputs that do not have the declared shape, TensorFlow Serving returns the outputs, too
        for name, array in arrays.items():
            spec = self._signature.outputs[name]
            if not spec.accepts(array.shape):
                raise InvalidArgument(
                    f"Expected a larger input: output {name} has shape {list(array.shape)} "
                    f"instead of {list(spec.shape or ())}."
                )

    def _choice(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """Returns the outputs to fetch: `outputs`, sorted, or all outputs after `_OUTPUT_CHOICES` different sets."""
        choice = tuple(sorted(outputs))
        if choice not in self._choices:
            if len(self._choices) >= _OUTPUT_CHOICES:
                return tuple(self._outputs)
            self._choices.add(choice)
        return choice

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.model.close_runner()
