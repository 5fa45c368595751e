"""Compares the step for padded sequences with the masked TensorFlow function of the signatures."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.endpoint import Part
from keras_gallery.serving.steps.base import Graph, Step, read_steps

from .. import text_models

MODELS = {
    "forecast_padded": lambda: text_models.forecaster(season=4),
    "regress_padded": text_models.sequence_regressor,
    "classify_padded": text_models.sequence_classifier,
    "embed_padded": text_models.sequence_classifier,
}
LEAST = {"forecast_padded": 5}


class Made:
    """The endpoint of a signature, its step, and the number of runs of its graph."""

    def __init__(self, name: str) -> None:
        keras.utils.set_random_seed(0)
        self.endpoint = endpoints(MODELS[name]())[name]
        (self.part,) = self.endpoint.parts
        self.runs: list[tuple[int, ...]] = []
        assert self.part.step is not None
        self.step = self.part.step(*map(self._inner, self.part.inner))

    def _inner(self, part: Part) -> Step:
        return part.step() if part.step else Graph("graph")

    def _graph(self, arrays: Any) -> Any:
        (part,) = (each for each in self.part.inner if each.specs)
        self.runs.append(arrays[part.reads[0]].shape)
        outputs = part.function(*(tf.constant(arrays[name]) for name in part.reads))
        return {name: value.numpy() for name, value in outputs.items()}

    def both(self, x: Any, length: Any) -> tuple[Any, Any]:
        x, length = np.array(x, np.float32), np.array(length, np.int32)
        want = {name: value.numpy() for name, value in self.endpoint.function(tf.constant(x), length).items()}
        return want, self.run(x, length)

    def run(self, x: Any, length: Any) -> Any:
        inputs = {self.part.reads[0]: x, self.part.reads[1]: np.array(length, np.int32)}
        return self.step.run(inputs, {"graph": self._graph})


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_those_of_tensorflow(name: str) -> None:
    made, rng = Made(name), np.random.default_rng(0)
    x = rng.standard_normal((6, 12, 2)).astype(np.float32)
    for lengths, runs in [([12, 5, 7, 5, 12, 9], 4), ([8] * 6, 1), ([12] * 6, 1), ([5, 6, 7, 8, 9, 10], 6)]:
        padded = x.copy()
        for row, length in zip(padded, lengths, strict=True):
            row[length:] = 1e6
        made.runs.clear()
        want, got = made.both(padded, lengths)
        assert len(made.runs) == runs and got.keys() == want.keys()
        for key, value in want.items():
            assert got[key].dtype == value.dtype and got[key].shape == value.shape
            if value.dtype.kind == "f":
                np.testing.assert_allclose(got[key], value, rtol=1e-5, atol=1e-5)
            else:
                assert got[key].tolist() == value.tolist()


@pytest.mark.parametrize("name", ["forecast_padded", "classify_padded"])
@pytest.mark.parametrize("length", [-1, 0, 4, 13, 1 << 30])
def test_lengths_out_of_range(name: str, length: int) -> None:
    made, x = Made(name), np.zeros((3, 12, 2), np.float32)
    if LEAST.get(name, 1) <= length <= 12:
        made.run(x, [12, length, 5])
        return
    with pytest.raises(tf.errors.InvalidArgumentError) as want:
        made.both(x, [12, length, -7])
    with pytest.raises(InvalidArgument) as got:
        made.run(x, [12, length, -7])
    assert str(got.value) == f"Expected lengths from {LEAST.get(name, 1)} to 12. Received: [{length}]"
    assert str(got.value) in want.value.message and not made.runs


def test_another_number_of_lengths() -> None:
    made = Made("regress_padded")
    for lengths in ([], [3], [3, 3, 3]):
        with pytest.raises(InvalidArgument, match=f"^Expected 2 lengths, one for each .*. Received: {len(lengths)}$"):
            made.run(np.zeros((2, 5, 2), np.float32), lengths)
    assert not made.runs


def test_no_sequences() -> None:
    want, got = Made("classify_padded").both(np.zeros((0, 5, 2)), [])
    assert {name: each.shape for name, each in got.items()} == {name: each.shape for name, each in want.items()}


def test_json() -> None:
    step = Made("classify_padded").step
    assert read_steps(json.loads(json.dumps([step.to_json()]))) == (step,)
    assert sum(1 for _ in step.parts()) == 3  # itself, the graph, the labels
