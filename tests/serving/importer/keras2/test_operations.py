"""Tests that the Keras operations for TensorFlow functions have the same outputs as TensorFlow."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.importer.keras2.operations import OPERATIONS, convert

X = np.random.default_rng(0).uniform(0.1, 0.9, (2, 4, 3)).astype(np.float32)
Y = np.random.default_rng(1).uniform(0.1, 0.9, (2, 4, 3)).astype(np.float32)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "linalg.matmul": {"b": Y.swapaxes(1, 2)},
    "matmul": {"b": Y.swapaxes(1, 2)},
    "math.logical_and": {"y": Y > 0.5},
    "math.logical_or": {"y": Y > 0.5},
    "nn.gelu": {"approximate": True},
    "nn.leaky_relu": {"alpha": 0.3},
    "concat": {"axis": -1},
    "stack": {"axis": 1},
    "expand_dims": {"axis": 1},
    "reshape": {"shape": [-1, 6]},
    "transpose": {"perm": [0, 2, 1]},
    "compat.v1.transpose": {"perm": [0, 2, 1]},
    "tile": {"multiples": [1, 2, 1]},
    "clip_by_value": {"clip_value_min": 0.2, "clip_value_max": 0.5},
    "cast": {"dtype": "int32"},
    "split": {"num_or_size_splits": 2, "axis": 1},
    "__operators__.getitem": {
        "slice_spec": [{"start": None, "stop": None, "step": None}, {"start": 1, "stop": 3, "step": None}, 0]
    },
}


def argument(function: str) -> Any:
    """Returns the first argument for the test of a TensorFlow function."""
    if function in ("concat", "stack"):
        return [X, Y]
    if "squeeze" in function:
        return X[:1]
    logical = ("math.logical_and", "math.logical_or", "math.logical_not", "math.reduce_any", "math.reduce_all")
    return X > 0.5 if function in logical else X - (0.5 if function.startswith(("nn.", "math.abs")) else 0)


@pytest.mark.parametrize("function", OPERATIONS)
def test_operations_equal_tensorflow(function: str) -> None:
    row, first = OPERATIONS[function], argument(function)
    kwargs = dict(ARGUMENTS.get(function, {"y": Y} if row.inputs == ("y",) else {}))
    if "keepdims" in row.options:
        kwargs |= {"axis": 1, "keepdims": True}
    conversion = convert(function, "layer", [first], kwargs)
    assert isinstance(conversion, tuple), conversion
    operation, args = conversion
    operation_class = vars(importlib.import_module(operation["module"]))[operation["class_name"]]
    got = operation_class(**operation["config"])(
        *keras.saving.deserialize_keras_object(args[1:1]), first, *map(_value, args[1:])
    )
    if function == "__operators__.getitem":
        want = tf.constant(first)[:, 1:3, 0]
    else:
        original = tf
        for part in function.split("."):
            original = getattr(original, part, None) if original is not None else None
        if original is None:  # a Python operator, such as +
            original = getattr(tf.math, function.rpartition(".")[2])
        want = original(
            [tf.constant(each) for each in first] if isinstance(first, list) else tf.constant(first), **kwargs
        )
    for each, other in zip(
        got if isinstance(got, list | tuple) else [got], want if isinstance(want, list) else [want], strict=True
    ):
        np.testing.assert_allclose(np.asarray(each), np.asarray(other), atol=1e-6)


def _value(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else tuple(keras.saving.deserialize_keras_object(value))
