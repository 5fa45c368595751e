"""Runs a signature that is more than one graph: its steps, with OpenVINO for the graphs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from ...errors import Cancelled, DeadlineExceeded, InvalidArgument
from ...steps.base import Step, run_steps
from ...wire.signature import SignatureDef
from ..base import DEADLINE, IS_ABANDONED, Arrays, Runner, raise_in_event_loop


class NotCovered(Exception):
    """OpenVINO was not compared with TensorFlow for such inputs of a graph."""


class Refusing:
    """Stands for TensorFlow where the steps run a graph, so that TensorFlow runs the whole signature instead."""

    engine = "tensorflow"
    can_join: Callable[[Arrays], bool] | None = None

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        raise NotCovered

    def close(self) -> None:
        """Does nothing."""


class StepsRunner:
    """A signature that consists of steps.

    Args:
        steps: the steps.
        signature: the signature.
        graphs: the graphs that the steps run, by name, with the names of their outputs.
        fallback: runs the requests that the graphs do not cover. If there is none, the graphs run all requests.
    """

    engine = "openvino"
    can_join: Callable[[Arrays], bool] | None = None

    def __init__(
        self,
        steps: tuple[Step, ...],
        signature: SignatureDef,
        graphs: Mapping[str, tuple[Runner, Sequence[str]]],
        fallback: Runner | None = None,
    ) -> None:
        self._steps = steps
        self._inputs = signature.inputs
        self._runners = [runner for runner, _ in graphs.values()]
        self._graphs = {name: _bound(runner, outputs) for name, (runner, outputs) in graphs.items()}
        self._parts = [part for step in steps for part in step.parts()]
        self._fallback = fallback

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        try:
            self._check_shapes(inputs)
            if any(part.may_block(inputs) for part in self._parts):
                raise_in_event_loop()
            arrays = run_steps(self._steps, inputs, self._graphs)
        except NotCovered:
            assert self._fallback is not None
            raise_in_event_loop()
            return self._fallback(inputs, outputs)
        return {name: arrays[name] for name in outputs}

    def _check_shapes(self, inputs: Arrays) -> None:
        """Raises NotCovered or InvalidArgument if an input has a wrong shape. The steps rely on the shapes."""
        for name, spec in self._inputs.items():
            if not spec.accepts(inputs[name].shape):
                if self._fallback is not None:
                    raise NotCovered  # TensorFlow's error says more
                shapes = f"{list(spec.shape or ())} for input {name}. Received: {list(inputs[name].shape)}"
                raise InvalidArgument(f"Expected shape {shapes}")

    def close(self) -> None:
        for runner in self._runners:
            runner.close()
        if self._fallback is not None:
            self._fallback.close()


def _bound(runner: Runner, outputs: Sequence[str]) -> Callable[[Arrays], Arrays]:
    def run(arrays: Arrays) -> Arrays:
        if time.monotonic() > DEADLINE.get():
            raise DeadlineExceeded("The deadline of the request has passed.")
        if IS_ABANDONED.get()():
            raise Cancelled("The client has gone.")
        return runner(arrays, outputs)

    return run
