"""Tests the runner of signatures that consist of steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation import description
from keras_gallery.serving.engines.base import DEADLINE, IS_ABANDONED
from keras_gallery.serving.engines.openvino.steps import NotCovered, StepsRunner
from keras_gallery.serving.errors import Cancelled, DeadlineExceeded, InvalidArgument
from keras_gallery.serving.steps.base import Graph, Step
from keras_gallery.serving.steps.classes import Scored
from keras_gallery.serving.steps.pictures import Pictures
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

FLOAT = dtypes.BY_NUMBER[1]
SIGNATURE = SignatureDef("classify", "", {"x": TensorSpec("x:0", FLOAT, (-1, 2))}, {})
STEPS: tuple[Step, ...] = (Graph("model"), Scored("p", ("a", "b")))


class Model:
    """Stands for a compiled graph, or for TensorFlow. Returns `outputs`, or raises NotCovered."""

    engine = "test"
    can_join = None

    def __init__(self, **outputs: Any) -> None:
        self.outputs, self.calls, self.is_closed = outputs, 0, False

    def __call__(self, inputs: Any, outputs: Sequence[str]) -> Any:
        self.calls += 1
        if not self.outputs:
            raise NotCovered
        return {name: self.outputs[name] for name in outputs}

    def close(self) -> None:
        self.is_closed = True


def test_the_steps_run_and_return_the_outputs_asked_for() -> None:
    model, fallback = Model(p=np.ones((3, 2))), Model()
    runner = StepsRunner(STEPS, SIGNATURE, {"model": (model, ["p"])}, fallback)
    got = runner({"x": np.zeros((3, 2))}, ["classes"])
    assert got.keys() == {"classes"} and got["classes"].tolist() == [[b"a", b"b"]] * 3
    assert (model.calls, fallback.calls) == (1, 0)
    runner.close()
    assert model.is_closed and fallback.is_closed


@pytest.mark.parametrize("shape", [(), (2,), (1, 3), (1, 2, 1)])
def test_wrong_shapes_are_refused_before_the_steps_run(shape: tuple[int, ...]) -> None:
    model, fallback = Model(p=np.ones((1, 2))), Model(scores=5)
    graphs = {"model": (model, ["p"])}
    message = rf"^Expected shape \[-1, 2\] for input x. Received: \[{', '.join(map(str, shape))}\]$"
    with pytest.raises(InvalidArgument, match=message):
        StepsRunner(STEPS, SIGNATURE, graphs)({"x": np.zeros(shape)}, ["scores"])
    assert StepsRunner(STEPS, SIGNATURE, graphs, fallback)({"x": np.zeros(shape)}, ["scores"]) == {"scores": 5}
    assert (model.calls, fallback.calls) == (0, 1)


def test_tensorflow_runs_what_openvino_does_not_cover() -> None:
    fallback = Model(scores=5)
    runner = StepsRunner(STEPS, SIGNATURE, {"model": (Model(), ["p"])}, fallback)
    assert runner({"x": np.zeros((1, 2))}, ["scores"]) == {"scores": 5}


def test_no_graph_runs_if_nobody_waits_for_the_outputs() -> None:
    model = Model(p=np.ones((3, 2)))
    runner = StepsRunner(STEPS, SIGNATURE, {"model": (model, ["p"])})

    def ask() -> None:
        runner({"x": np.zeros((3, 2))}, ["scores"])

    late = copy_context()
    late.run(DEADLINE.set, time.monotonic() - 1)
    with pytest.raises(DeadlineExceeded):
        late.run(ask)
    gone = copy_context()
    gone.run(IS_ABANDONED.set, lambda: True)
    with pytest.raises(Cancelled):
        gone.run(ask)
    assert model.calls == 0
    ask()
    assert model.calls == 1


def test_the_shapes_are_checked_before_the_sizes_of_pictures() -> None:
    steps = (Pictures.of("files", "x", "float32", description.Pictures(2, 2, 1)), Graph("model"))
    spec = TensorSpec("files:0", dtypes.STRING, (-1,))
    runner = StepsRunner(steps, SignatureDef("encode_png", "", {"files": spec}, {}), {"model": (Model(p=1), ["p"])})
    with pytest.raises(InvalidArgument, match=r"^Expected shape \[-1\] for input files. Received: \[1, 1\]$"):
        runner({"files": np.array([[b"x"]], object)}, ["p"])
