"""Tests that the Keras operations for TensorFlow functions have the same outputs as TensorFlow."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.importer.keras2.composites import COMPOSITES
from keras_gallery.serving.importer.keras2.graph import Tensor
from keras_gallery.serving.importer.keras2.operations import OPERATIONS, convert
from keras_gallery.serving.importer.keras2.steps import Unsupported

X = np.random.default_rng(0).uniform(0.1, 0.9, (2, 4, 3)).astype(np.float32)
Y = np.random.default_rng(1).uniform(0.1, 0.9, (2, 4, 3)).astype(np.float32)
IMAGE = np.random.default_rng(2).uniform(0.1, 0.9, (2, 6, 6, 4)).astype(np.float32)
RGB = IMAGE[..., :3]
SQUARE = np.random.default_rng(3).normal(size=(2, 3, 3)).astype(np.float32)
IDS = np.array([[0, 2, 1], [1, 1, 0]], np.int32)
WHOLE = {"start": None, "stop": None, "step": None}
POOL = {"ksize": 2, "strides": [1, 2, 2, 1], "padding": "SAME"}
BOX = {"offset_height": 1, "offset_width": 2, "target_height": 3, "target_width": 4}
PATCHES = {"sizes": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "rates": [1, 1, 1, 1], "padding": "VALID"}

# Calls, in addition to a call with default arguments: function → calls (first argument, other arguments).
CALLS: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    **{name: [(X, {"b": Y, f"transpose_{each}": True}) for each in "ab"] for name in ("linalg.matmul", "matmul")},
    "math.logical_and": [(X > 0.5, {"y": Y > 0.5})],
    "math.logical_or": [(X > 0.5, {"y": Y > 0.5})],
    "math.logical_xor": [(X > 0.5, {"y": Y > 0.5})],
    "math.divide_no_nan": [(X, {"y": np.where(Y > 0.5, 0, Y)})],
    "math.multiply_no_nan": [(np.where(Y > 0.5, np.inf, X), {"y": np.where(Y > 0.5, 0, Y)})],
    **dict.fromkeys(("math.xlogy", "math.xlog1py", "math.xdivy"), [(np.where(Y > 0.5, 0, X), {"y": Y * (Y < 0.5)})]),
    "math.atan2": [(X, {"x": -Y})],
    "math.acosh": [(X + 1, {})],
    "math.add_n": [([X, Y, X], {}), ([X], {})],
    "math.accumulate_n": [([X, Y], {})],
    "add_n": [([X, Y], {})],
    "nn.gelu": [(X - 0.5, {"approximate": True}), (X - 0.5, {})],
    "nn.leaky_relu": [(X - 0.5, {"alpha": 0.3}), (X - 0.5, {})],
    "concat": [([X, Y], {"axis": -1})],
    "stack": [([X, Y], {"axis": 1})],
    "unstack": [(X, {"axis": 1})],
    "expand_dims": [(X, {"axis": 1})],
    "squeeze": [(X[:1], {}), (X[:, :1], {"axis": [1]})],
    "reshape": [(X, {"shape": [-1, 6]})],
    "transpose": [(X, {"perm": [0, 2, 1]})],
    "tile": [(X, {"multiples": [1, 2, 1]})],
    "repeat": [(X, {"repeats": 2, "axis": 1})],
    "roll": [(X, {"shift": 1, "axis": 1}), (X, {"shift": [1, 2], "axis": [1, 2]})],
    "reverse": [(X, {"axis": [1]})],
    "broadcast_to": [(X[:, :1], {"shape": [2, 4, 3]})],
    "clip_by_value": [(X, {"clip_value_min": 0.2, "clip_value_max": 0.5})],
    "cast": [(X * 3, {"dtype": "int32"})],
    "dtypes.saturate_cast": [(X * 900, {"dtype": "uint8"})],
    "split": [(X, {"num_or_size_splits": each, "axis": 1}) for each in (2, [1, 3], [1, 1, -1])],
    "slice": [(X, {"begin": [0, 1, 0], "size": [-1, 2, 2]})],
    "strided_slice": [(X, {"begin": [0, 1, 0], "end": [2, 9, 3], "strides": [1, 2, 1]})],
    "gather": [
        (X, {"indices": [0, 2], "axis": 1, "batch_dims": 0}),
        (X, {"indices": 1, "axis": -1}),
        (X, {"indices": IDS, "axis": 1, "batch_dims": 1}),
        (X, {"indices": [1, 1]}),
    ],
    "nn.embedding_lookup": [(X[0], {"ids": IDS})],
    "one_hot": [(IDS, {"depth": 4}), (IDS, {"depth": 2, "axis": 1, "dtype": "int32"})],
    "sequence_mask": [(IDS, {"maxlen": 3}), (IDS, {"maxlen": 3, "dtype": "float32"})],
    "where": [(X > 0.5, {"x": X, "y": 0.0}), (X > 0.5, {"x": 1, "y": 0})],
    "where_v2": [(X > 0.5, {"x": X, "y": Y[:, :1]})],
    "linalg.band_part": [(SQUARE, {"num_lower": a, "num_upper": b}) for a in (-1, 1) for b in (-1, 0, 1)],
    **{f"linalg.{name}": [(SQUARE, {})] for name in ("diag_part", "trace", "inv", "det", "matrix_transpose")},
    "linalg.cholesky": [(SQUARE @ SQUARE.swapaxes(1, 2) + np.eye(3, dtype=np.float32), {})],
    "tensordot": [(X, {"b": Y[0, :3, :2].tolist(), "axes": 1}), (X, {"b": Y[0, :3, :2], "axes": [[2], [0]]})],
    **dict.fromkeys(("math.l2_normalize", "nn.l2_normalize"), [(X, {"axis": each}) for each in (1, [1, 2], None)]),
    **dict.fromkeys(("norm", "linalg.norm"), [(X, {"axis": 1}), (X, {"ord": 1, "axis": -1, "keepdims": True})]),
    **dict.fromkeys(("math.argmax", "argmax"), [(X, {"axis": 1}), (X, {"axis": 2, "output_type": "int32"}), (X, {})]),
    **{name: [(X, {"axis": 1}), (X, {"direction": "DESCENDING"})] for name in ("sort", "argsort")},
    **{
        name: [(X, {"axis": 1}), (X, {"axis": 1, "reverse": True}), (X, {"axis": 2, "exclusive": True})]
        for name in ("math.cumsum", "cumsum")
    },
    "math.cumprod": [(X, {"axis": 1, "reverse": True})],
    "math.top_k": [(X, {"k": 2})],
    "nn.top_k": [(X, {"k": 2}), (X, {})],
    "ensure_shape": [(X, {"shape": [None, 4, 3]})],
    "nn.bias_add": [(X, {"bias": [1.0, 2.0, 3.0], "data_format": "NHWC"})],
    "nn.crelu": [(X - 0.5, {})],
    **{f"nn.{kind}_pool{n}": [(IMAGE, POOL)] for kind in ("max", "avg") for n in ("", "2d")},
    **{f"nn.{kind}_pool1d": [(X, {"ksize": 2, "strides": 1, "padding": "VALID"})] for kind in ("max", "avg")},
    **{f"nn.{kind}_pool3d": [(IMAGE[..., None], POOL | {"strides": 2})] for kind in ("max", "avg")},
    **{f"nn.{name}": [(IMAGE, {"block_size": 2})] for name in ("depth_to_space", "space_to_depth")},
    "pad": [
        (X, {"paddings": [[0, 0], [1, 2], [0, 0]], "mode": mode, "constant_values": value})
        for mode, value in (("CONSTANT", 0), ("CONSTANT", 2.0), ("REFLECT", 0), ("SYMMETRIC", 0))
    ],
    "image.resize": [
        (IMAGE, {"size": [4, 9], "method": "nearest"}),
        (IMAGE, {"size": [4, 9], "method": "bicubic"}),
        (IMAGE, {"size": [4, 3], "antialias": True}),
    ],
    **{f"image.{name}": [(RGB, {})] for name in ("rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb")},
    "image.grayscale_to_rgb": [(RGB[..., :1], {})],
    **{f"image.flip_{name}": [(RGB, {})] for name in ("left_right", "up_down")},
    "image.rot90": [(RGB, {"k": 3}), (RGB, {})],
    "image.crop_to_bounding_box": [(RGB, BOX)],
    "image.pad_to_bounding_box": [(RGB, BOX | {"target_height": 8, "target_width": 9})],
    "image.adjust_brightness": [(RGB, {"delta": 0.2})],
    "image.adjust_contrast": [(RGB, {"contrast_factor": 1.5})],
    "image.extract_patches": [(RGB, PATCHES)],
    "__operators__.getitem": [(X, {"slice_spec": [WHOLE, {"start": 1, "stop": 3, "step": None}, 0]})],
    "einsum": [("bij,bkj->bik", {"inputs": [X, Y]})],
}  # fmt: skip
LOGICAL = ("math.logical_not", "math.reduce_any", "math.reduce_all")


def calls(function: str) -> list[tuple[Any, dict[str, Any]]]:
    if function in CALLS:
        return CALLS[function]
    first = X > 0.5 if function in LOGICAL else X - (0.5 if function.startswith(("nn.", "math.abs")) else 0)
    row = OPERATIONS.get(function)
    kwargs: dict[str, Any] = {"y": Y} if row is None or row.inputs == ("y",) else {}
    if (row is not None and "keepdims" in row.options) or "norm" in function:
        kwargs = {"axis": 1, "keepdims": True}
    elif function in ("math.argmin", "argmin", "math.cumprod", "cumprod"):
        kwargs = {"axis": 1}
    return [(first, kwargs)]


def original(function: str) -> Any:
    """Returns the function of TensorFlow."""
    if function == "keras.backend.batch_flatten":
        return lambda x: tf.reshape(x, (x.shape[0], -1))
    if function == "__operators__.getitem":
        return lambda x, slice_spec: x[:, 1:3, 0]
    if function == "einsum":
        return lambda equation, inputs: tf.einsum(equation, *inputs)
    name = {"__operators__.eq": "math.equal", "__operators__.ne": "math.not_equal"}.get(function, function)
    for prefix in ("", "compat.v1."):
        found: Any = tf
        for part in (prefix + name).split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    return getattr(tf.math, name.rpartition(".")[2])  # a Python operator, such as +


@pytest.mark.parametrize("function", [*OPERATIONS, *COMPOSITES])
def test_operations_equal_tensorflow(function: str) -> None:
    for first, kwargs in calls(function):
        got = keras.tree.flatten(run(function, first, kwargs))
        arrays = tf.nest.map_structure(lambda each: each if isinstance(each, str) else tf.constant(each), first)
        want = tf.nest.flatten(original(function)(arrays, **kwargs))
        for each, other in zip(got, want, strict=True):
            assert np.asarray(each).dtype.kind == np.asarray(other).dtype.kind, kwargs
            np.testing.assert_allclose(np.asarray(each), np.asarray(other), atol=2e-6, err_msg=str(kwargs)[:200])


def run(function: str, first: Any, kwargs: dict[str, Any]) -> Any:
    """Runs the operations that replace a call."""
    results: dict[str, Any] = {}
    if isinstance(first, list):
        results = {f"x{at}": each for at, each in enumerate(first)}
        first = [Tensor(name, 0, 0) for name in results]
    for step in convert(function, "layer", [first], kwargs):
        module, name = step.config["module"], step.config["class_name"]
        operation = vars(importlib.import_module(module))[name](**step.config["config"])
        results[operation.name] = operation(*(_value(each, results) for each in step.args))
    return results["layer"]


def _value(value: Any, results: dict[str, Any]) -> Any:
    if isinstance(value, Tensor):
        return results[value.layer]
    if isinstance(value, list) and any(isinstance(each, Tensor | np.ndarray) for each in value):
        return [_value(each, results) for each in value]
    if isinstance(value, np.ndarray):
        return value
    found = keras.saving.deserialize_keras_object(value)
    return tuple(found) if isinstance(found, list) else found


@pytest.mark.parametrize(
    ("function", "kwargs", "what"),
    [
        ("math.bincount", {}, "tf.math.bincount"),
        ("compat.v1.where", {"x": X, "y": X}, "tf.compat.v1.where"),
        ("linalg.matmul", {"b": X, "adjoint_a": True}, "tf.linalg.matmul with adjoint_a=True"),
        ("math.reduce_mean", {"axis": [Tensor("x", 0, 0)]}, "tf.math.reduce_mean with a tensor as axis"),
        ("concat", {"axis": 0, "odd": 1}, "tf.concat with odd"),
        ("split", {"num_or_size_splits": [-1, 2]}, "tf.split with an unknown size before the last one"),
        ("math.add", {}, "tf.math.add without y"),
        ("where", {"x": None}, "tf.where without x"),
        ("image.resize", {"size": [2, 2], "method": "area"}, "tf.image.resize with method='area'"),
        ("nn.bias_add", {"bias": [1.0], "data_format": "NCHW"}, "tf.nn.bias_add with data_format='NCHW'"),
        ("one_hot", {"depth": 3, "on_value": 2.0}, "tf.one_hot with on_value=2.0"),
        ("gather", {"indices": X, "axis": 2, "batch_dims": 1}, "tf.gather with batch_dims=1"),
        ("math.add", {"y": ["a"]}, "a function of strings"),
    ],
)
def test_calls_without_a_keras_operation(function: str, kwargs: dict[str, Any], what: str) -> None:
    with pytest.raises(Unsupported) as caught:
        convert(function, "layer", [X], kwargs)
    assert str(caught.value) == what
