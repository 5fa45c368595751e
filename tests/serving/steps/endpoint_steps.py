"""Runs the steps of an endpoint without an export. TensorFlow runs the graphs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import tensorflow as tf
from keras_gallery.serving.signatures.endpoint import Endpoint, Part
from keras_gallery.serving.steps.base import Arrays, Graph, Step, read_steps, run_steps

Graphs = dict[str, Any]


def steps_of(endpoint: Endpoint) -> tuple[tuple[Step, ...], Graphs]:
    """Returns the steps, read from their JSON, and functions that run their graphs."""
    graphs: Graphs = {}
    steps = [_step(part, graphs) for part in endpoint.parts]
    read = read_steps(json.loads(json.dumps([step.to_json() for step in steps])))
    assert read == tuple(steps)
    return read, graphs


def answers(endpoint: Endpoint, steps: tuple[tuple[Step, ...], Graphs], inputs: Arrays) -> tuple[Arrays, Arrays]:
    """Returns the outputs of the TensorFlow function, and of the steps."""
    tensors = [tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs]
    want = {name: value.numpy() for name, value in endpoint.function(*tensors).items()}
    got = run_steps(steps[0], inputs, steps[1])
    return want, {name: got[name] for name in want}


def assert_equal(want: Arrays, got: Arrays) -> None:
    for name, value in want.items():
        assert got[name].dtype == value.dtype and got[name].shape == value.shape
        if value.dtype.kind == "f":
            np.testing.assert_allclose(got[name], value, atol=1e-6)
        else:
            np.testing.assert_array_equal(got[name], value)


def _step(part: Part, graphs: Graphs) -> Step:
    if part.step is not None:
        return part.step(*(_step(each, graphs) for each in part.inner))
    function, names = tf.function(part.function, part.specs, autograph=False), part.reads

    def run(arrays: Arrays) -> Arrays:
        return {name: value.numpy() for name, value in function(*(arrays[each] for each in names)).items()}

    graphs[f"graph {len(graphs)}"] = run
    return Graph(f"graph {len(graphs) - 1}")
