"""ONNX operators in TensorFlow: element-wise operators, matrix products and reductions.

Each operator is a function of a `Call` and of its inputs. A missing optional input is None. Small constants are NumPy
arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from .call import Call, Operator

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Abs": tf.abs,
    "Acos": tf.acos,
    "Acosh": tf.acosh,
    "Asin": tf.asin,
    "Asinh": tf.asinh,
    "Atan": tf.atan,
    "Atanh": tf.atanh,
    "Ceil": tf.math.ceil,
    "Cos": tf.cos,
    "Cosh": tf.cosh,
    "Erf": tf.math.erf,
    "Exp": tf.exp,
    "Floor": tf.floor,
    "HardSwish": lambda x: x * tf.clip_by_value(x / 6 + 0.5, 0, 1),
    "Identity": tf.identity,
    "IsNaN": tf.math.is_nan,
    "Log": tf.math.log,
    "Mish": lambda x: x * tf.tanh(tf.math.softplus(x)),
    "Neg": tf.negative,
    "Not": tf.logical_not,
    "Reciprocal": tf.math.reciprocal,
    "Relu": tf.nn.relu,
    "Round": tf.round,
    "Sigmoid": tf.sigmoid,
    "Sign": tf.sign,
    "Sin": tf.sin,
    "Sinh": tf.sinh,
    "Softplus": tf.math.softplus,
    "Softsign": tf.nn.softsign,
    "Sqrt": tf.sqrt,
    "Tan": tf.tan,
    "Tanh": tf.tanh,
    "Add": tf.add,
    "And": tf.logical_and,
    "Equal": tf.equal,
    "Greater": tf.greater,
    "GreaterOrEqual": tf.greater_equal,
    "Less": tf.less,
    "LessOrEqual": tf.less_equal,
    "Mul": tf.multiply,
    "Or": tf.logical_or,
    "PRelu": lambda x, slope: tf.where(x < 0, tf.multiply(x, slope), x),
    "Pow": lambda x, y: tf.pow(x, tf.cast(y, tf.convert_to_tensor(x).dtype)),
    "Sub": tf.subtract,
    "Where": tf.where,
    "Xor": tf.math.logical_xor,
    "Max": lambda *values: functools.reduce(tf.maximum, values),
    "Mean": lambda *values: functools.reduce(tf.add, values) / len(values),
    "Min": lambda *values: functools.reduce(tf.minimum, values),
    "Sum": lambda *values: functools.reduce(tf.add, values),
}
_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceL1": lambda x, **axes: tf.reduce_sum(tf.abs(x), **axes),
    "ReduceL2": lambda x, **axes: tf.sqrt(tf.reduce_sum(tf.square(x), **axes)),
    "ReduceLogSum": lambda x, **axes: tf.math.log(tf.reduce_sum(x, **axes)),
    "ReduceLogSumExp": tf.reduce_logsumexp,
    "ReduceMax": tf.reduce_max,
    "ReduceMean": tf.reduce_mean,
    "ReduceMin": tf.reduce_min,
    "ReduceProd": tf.reduce_prod,
    "ReduceSum": tf.reduce_sum,
    "ReduceSumSquare": lambda x, **axes: tf.reduce_sum(tf.square(x), **axes),
}


def _without_attributes(function: Callable[..., Any]) -> Operator:
    return lambda call, *inputs: function(*inputs)


def _reduction(function: Callable[..., Any]) -> Operator:
    def reduce(call: Call, x: Any, axes: Any = None) -> Any:
        axes = call.ints("axes", axes)
        if not axes and call.get("noop_with_empty_axes", 0):
            return x
        return function(x, axis=axes or None, keepdims=bool(call.get("keepdims", 1)))

    return reduce


def _arg_extreme(function: Callable[..., Any]) -> Operator:
    def find(call: Call, x: Any) -> Any:
        call.refuse_unless("select_last_index", 0)
        axis = call.get("axis", 0)
        indices = function(x, axis, tf.int64)
        return tf.expand_dims(indices, axis) if call.get("keepdims", 1) else indices

    return find


def _div(call: Call, x: Any, y: Any) -> Any:
    x = tf.convert_to_tensor(x)
    return x / y if x.dtype.is_floating else tf.truncatediv(x, y)


def _mod(call: Call, x: Any, y: Any) -> Any:
    return (tf.truncatemod if call.get("fmod", 0) else tf.math.floormod)(x, y)


def _clip(call: Call, x: Any, low: Any = None, high: Any = None) -> Any:
    low, high = call.get("min", low), call.get("max", high)
    x = x if low is None else tf.maximum(x, tf.cast(low, x.dtype))
    return x if high is None else tf.minimum(x, tf.cast(high, x.dtype))


def _is_inf(call: Call, x: Any) -> Any:
    positive, negative = (bool(call.get(f"detect_{sign}", 1)) for sign in ("positive", "negative"))
    return ((x == np.inf) & positive) | ((x == -np.inf) & negative)


def _elu(call: Call, x: Any) -> Any:
    return tf.where(x < 0, call.get("alpha", 1.0) * (tf.exp(tf.minimum(x, 0)) - 1), x)


def _celu(call: Call, x: Any) -> Any:
    alpha = call.get("alpha", 1.0)
    return tf.where(x < 0, alpha * (tf.exp(tf.minimum(x, 0) / alpha) - 1), x)


def _selu(call: Call, x: Any) -> Any:
    alpha, gamma = call.get("alpha", 1.6732632), call.get("gamma", 1.0507010)
    return gamma * tf.where(x < 0, alpha * (tf.exp(tf.minimum(x, 0)) - 1), x)


def _matmul(call: Call, x: Any, y: Any) -> Any:
    is_row, is_column = len(x.shape) == 1, len(y.shape) == 1
    product = tf.matmul(x[None] if is_row else x, y[:, None] if is_column else y)
    axes = [axis for axis, is_added in ((-2, is_row), (-1, is_column)) if is_added]
    return tf.squeeze(product, axes) if axes else product


def _gemm(call: Call, a: Any, b: Any, c: Any = None) -> Any:
    product = tf.matmul(a, b, bool(call.get("transA", 0)), bool(call.get("transB", 0))) * call.get("alpha", 1.0)
    if c is None:
        return product
    if len(c.shape) == 2 and c.shape[0] == 1:
        c = tf.reshape(c, (-1,))  # TensorFlow's graph optimizer fails on (1, n) added to a product with transA
    return product + call.get("beta", 1.0) * c


def _softmax(function: Callable[..., Any]) -> Operator:
    def apply(call: Call, x: Any) -> Any:
        if call.opset >= 13:
            return function(x, call.get("axis", -1))
        axis = call.get("axis", 1) % len(x.shape)  # before opset 13, the softmax is over this axis and all later axes
        shape = tf.shape(x)
        rows = tf.reshape(x, (tf.reduce_prod(shape[:axis]), tf.reduce_prod(shape[axis:])))
        return tf.ensure_shape(tf.reshape(function(rows, -1), shape), x.shape)

    return apply


def _top_k(call: Call, x: Any, k: Any) -> Any:
    axis = call.get("axis", -1) % len(x.shape)
    order = [each for each in range(len(x.shape)) if each != axis] + [axis]
    sign = 1 if call.get("largest", 1) else -1
    values, indices = tf.math.top_k(sign * tf.transpose(x, order), tf.cast(tf.reshape(k, ()), tf.int32))
    inverse = [int(each) for each in np.argsort(order)]
    return sign * tf.transpose(values, inverse), tf.cast(tf.transpose(indices, inverse), tf.int64)


ELEMENTS: dict[str, Operator] = {
    **{name: _without_attributes(function) for name, function in _FUNCTIONS.items()},
    **{name: _reduction(function) for name, function in _REDUCTIONS.items()},
    "ArgMax": _arg_extreme(tf.argmax),
    "ArgMin": _arg_extreme(tf.argmin),
    "Celu": _celu,
    "Clip": _clip,
    "CumSum": lambda call, x, axis: tf.cumsum(
        x, call.static(axis).item(), bool(call.get("exclusive", 0)), bool(call.get("reverse", 0))
    ),
    "Div": _div,
    "Einsum": lambda call, *inputs: tf.einsum(call.get("equation", ""), *inputs),
    "Elu": _elu,
    "Gelu": lambda call, x: tf.nn.gelu(x, call.get("approximate", "none") == "tanh"),
    "Gemm": _gemm,
    "HardSigmoid": lambda call, x: tf.clip_by_value(call.get("alpha", 0.2) * x + call.get("beta", 0.5), 0, 1),
    "IsInf": _is_inf,
    "LeakyRelu": lambda call, x: tf.where(x < 0, call.get("alpha", 0.01) * x, x),
    "LogSoftmax": _softmax(tf.nn.log_softmax),
    "MatMul": _matmul,
    "Mod": _mod,
    "Selu": _selu,
    "Softmax": _softmax(tf.nn.softmax),
    "ThresholdedRelu": lambda call, x: tf.where(x > call.get("alpha", 1.0), x, 0),
    "TopK": _top_k,
}
