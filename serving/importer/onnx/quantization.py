"""ONNX operators in TensorFlow: operators on integers that stand for floats. See `elements.py`.

float = (integer - zero_point) * scale. `scale` and `zero_point` belong to the tensor, to an index of an axis, or to a
block of an axis. Products and convolutions of integers are computed in float32, which is exact for sums up to 2^24.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from onnx import TensorProto, helper

from .call import Call, Operator, Unsupported
from .windows import WINDOWS

_RANGES = {tf.int8: (-128, 127), tf.uint8: (0, 255), tf.int16: (-32768, 32767), tf.uint16: (0, 65535)}


def _dtype(call: Call, zero_point: Any) -> Any:
    """Returns the dtype of the integers that an operator returns."""
    number = call.get("output_dtype", 0)
    if zero_point is not None:
        dtype = tf.as_dtype(zero_point.dtype)
    else:
        dtype = tf.as_dtype(helper.tensor_dtype_to_np_dtype(number or TensorProto.UINT8))
    if dtype not in _RANGES:
        raise Unsupported(f"numbers of type {dtype.name} are not supported, only integers of 8 and 16 bits")
    return dtype


def _along(call: Call, x: Any, values: Any) -> Any:
    """Gives `values` (a scale or zero points) a shape that fits `x`: one value for each index of an axis or block."""
    rank, count = len(values.shape), len(x.shape)
    if rank == 0 or (rank == 1 and values.shape[0] == 1):
        return tf.reshape(values, ())
    axis = call.get("axis", 1) % count
    if call.get("block_size", 0):
        size = x.shape[axis]
        if size is None:
            raise Unsupported("block_size with unknown sizes is not supported")
        return tf.gather(values, np.arange(size) // call.get("block_size", 0), axis=axis)
    return tf.reshape(values, [-1 if each == axis else 1 for each in range(count)])


def _float(call: Call, x: Any, scale: Any, zero_point: Any = None) -> Any:
    x, scale = tf.convert_to_tensor(x), tf.convert_to_tensor(scale)
    compute = tf.float32 if x.dtype != tf.int32 else tf.float64
    numbers = tf.cast(x, compute)
    if zero_point is not None:
        numbers -= tf.cast(_along(call, x, zero_point), compute)
    return tf.cast(numbers * tf.cast(_along(call, x, scale), compute), scale.dtype)


def _quantize(call: Call, x: Any, scale: Any, zero_point: Any = None) -> Any:
    x = tf.convert_to_tensor(x)
    dtype = _dtype(call, zero_point)
    low, high = _RANGES[dtype]
    numbers = tf.round(tf.cast(x, tf.float32) / tf.cast(_along(call, x, scale), tf.float32))
    if zero_point is not None:
        numbers += tf.cast(_along(call, x, zero_point), tf.float32)
    return tf.cast(tf.clip_by_value(numbers, low, high), dtype)


def _dynamic(call: Call, x: Any) -> Any:
    """Quantizes with the range of the values, which always contains 0."""
    low, high = tf.minimum(tf.reduce_min(x), 0.0), tf.maximum(tf.reduce_max(x), 0.0)
    scale = (high - low) / 255.0
    safe = tf.where(scale > 0, scale, 1.0)
    zero_point = tf.clip_by_value(tf.round(-low / safe), 0.0, 255.0)
    numbers = tf.clip_by_value(tf.round(x / safe) + zero_point, 0.0, 255.0)
    return tf.cast(numbers, tf.uint8), scale, tf.cast(zero_point, tf.uint8)


def _centred(x: Any, zero_point: Any, axis: int) -> Any:
    """Returns integers without their zero points, as floats. `axis` is the axis of several zero points."""
    numbers = tf.cast(x, tf.float32)
    if zero_point is None:
        return numbers
    if len(zero_point.shape) == 1 and zero_point.shape[0] != 1:
        shape = [-1 if each == axis % len(x.shape) else 1 for each in range(len(x.shape))]
        return numbers - tf.reshape(tf.cast(zero_point, tf.float32), shape)
    if len(zero_point.shape) < 2:
        zero_point = tf.reshape(zero_point, ())
    return numbers - tf.cast(zero_point, tf.float32)


def _matmul_integer(call: Call, a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    return tf.cast(tf.matmul(_centred(a, a_zero, -2), _centred(b, b_zero, -1)), tf.int32)


def _conv_integer(call: Call, x: Any, kernel: Any, x_zero: Any = None, kernel_zero: Any = None) -> Any:
    return tf.cast(WINDOWS["Conv"](call, _centred(x, x_zero, 1), _centred(kernel, kernel_zero, 0)), tf.int32)


def _rescaled(numbers: Any, factor: Any, zero_point: Any) -> Any:
    """Returns integers with a zero point, from floats that are multiplied with a factor."""
    dtype = tf.as_dtype(zero_point.dtype)
    if dtype not in _RANGES:
        raise Unsupported(f"numbers of type {dtype.name} are not supported, only integers of 8 and 16 bits")
    rounded = tf.round(numbers * factor) + tf.cast(tf.reshape(zero_point, ()), tf.float32)
    return tf.cast(tf.clip_by_value(rounded, *_RANGES[dtype]), dtype)


def _qlinear_matmul(
    call: Call, a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, y_scale: Any, y_zero: Any
) -> Any:
    product = tf.matmul(_centred(a, a_zero, -2), _centred(b, b_zero, -1))
    scales = [tf.cast(each, tf.float32) for each in (a_scale, b_scale, y_scale)]
    rows = tf.reshape(scales[0], (-1, 1)) if len(scales[0].shape) == 1 else scales[0]
    return _rescaled(product, rows * scales[1] / scales[2], y_zero)


def _qlinear_conv(
    call: Call,
    x: Any,
    x_scale: Any,
    x_zero: Any,
    kernel: Any,
    kernel_scale: Any,
    kernel_zero: Any,
    y_scale: Any,
    y_zero: Any,
    bias: Any = None,
) -> Any:
    y = WINDOWS["Conv"](call, _centred(x, x_zero, 1), _centred(kernel, kernel_zero, 0))
    shape = [1, -1, *[1] * (len(kernel.shape) - 2)]
    if bias is not None:
        y += tf.reshape(tf.cast(bias, tf.float32), shape)
    factor = tf.reshape(x_scale * kernel_scale / y_scale, shape)
    return _rescaled(y, factor, y_zero)


QUANTIZATION: dict[str, Operator] = {
    "ConvInteger": _conv_integer,
    "DequantizeLinear": _float,
    "DynamicQuantizeLinear": _dynamic,
    "MatMulInteger": _matmul_integer,
    "QLinearConv": _qlinear_conv,
    "QLinearMatMul": _qlinear_matmul,
    "QuantizeLinear": _quantize,
}
