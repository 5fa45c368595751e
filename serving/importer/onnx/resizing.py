"""ONNX operators in TensorFlow: Resize and Upsample. See `elements.py`.

The operators resize one axis after the other: each output value is a weighted sum of a few input values on the axis.
The formulas are in the description of the operator Resize (https://onnx.ai/onnx/operators/onnx__Resize.html). Positions
are computed in float32, as in ONNX Runtime.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .call import Call, Operator, Unsupported

# (coordinates, rounding) of nearest-neighbour resizing that repeat each pixel if the scale is an integer.
_REPEATING = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")}
_BILINEAR = {"align_corners", "asymmetric", "half_pixel"}  # coordinates that TensorFlow's ResizeBilinear has
_ROUNDING = {
    "round_prefer_floor": lambda x: tf.math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: tf.floor(x + 0.5),
    "floor": tf.floor,
    "ceil": tf.math.ceil,
}
How = tuple[str, str, str]  # mode, coordinates and rounding, as in ONNX
Window = tuple[float, float]  # start and end of the part of the axis that is resized, as fractions


def _resize(call: Call, x: Any, *optional: Any) -> Any:
    """Resizes a tensor of any rank. The sizes may be unknown, but the scales or the new sizes must be constants."""
    mode, coordinates = call.get("mode", "nearest"), call.get("coordinate_transformation_mode", "half_pixel")
    rounding = call.get("nearest_mode", "round_prefer_floor")
    if call.opset < 11:  # older opsets do not have these attributes
        coordinates, rounding = "asymmetric", "floor"
    axes = [each % len(x.shape) for each in call.get("axes", range(len(x.shape)))]
    scales, sizes = _targets(call, x, axes, optional)
    if coordinates != "tf_crop_and_resize":
        changed = [at for at, scale in enumerate(scales) if not (isinstance(scale, float) and scale == 1)]
        axes, scales, sizes = ([many[at] for at in changed] for many in (axes, scales, sizes))
    known = all(isinstance(each, float) for each in scales)
    whole = known and all(
        size is not None and size == x.shape[axis] * scale
        for axis, scale, size in zip(axes, scales, sizes, strict=True)
    )
    if coordinates == "pytorch_half_pixel" and whole and min(sizes, default=2) > 1:
        coordinates = "half_pixel"
    integers = known and all(each.is_integer() for each in scales)
    if mode == "nearest" and (coordinates, rounding) in _REPEATING and integers:
        for axis, scale in zip(axes, scales, strict=True):
            x = tf.repeat(x, int(scale), axis)
        return x
    plain = not call.get("antialias", 0) and not call.get("exclude_outside", 0) and x.dtype == tf.float32
    if mode == "linear" and plain and whole and coordinates in _BILINEAR and len(x.shape) == 4 and {*axes} <= {2, 3}:
        by_axis = dict(zip(axes, sizes, strict=True))
        resized = tf.raw_ops.ResizeBilinear(
            images=tf.transpose(x, [0, 2, 3, 1]),
            size=[by_axis.get(axis, x.shape[axis]) for axis in (2, 3)],
            align_corners=coordinates == "align_corners",
            half_pixel_centers=coordinates == "half_pixel",
        )
        return tf.transpose(resized, [0, 3, 1, 2])
    roi = call.static(optional[0]).tolist() if coordinates == "tf_crop_and_resize" else []
    y = x if mode == "nearest" else tf.cast(x, tf.float32)
    for at in reversed(range(len(axes))):
        window = (roi[at], roi[at + len(axes)]) if roi else (0.0, 1.0)
        y = _resize_axis(call, y, axes[at], scales[at], sizes[at], (mode, coordinates, rounding), window)
    return tf.cast(y, x.dtype)


def _targets(call: Call, x: Any, axes: Sequence[int], optional: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Returns the scale and the new size of each axis.

    A scale is a float, or a tensor if the old or the new size is unknown. A new size is an integer, a tensor, or None
    if it depends on an unknown old size.
    """
    inputs = [*optional, None, None, None] if call.opset >= 11 else [None, *optional, None, None]
    old: list[int | None] = [x.shape[axis] for axis in axes]
    if inputs[2] is None or inputs[2].shape[0] == 0:
        scales = np.ravel(call.attributes["scales"] if inputs[1] is None else call.static(inputs[1])).tolist()
        new = [None if size is None else math.floor(size * scale) for size, scale in zip(old, scales, strict=True)]
        return scales, new
    tensor = tf.cast(inputs[2], tf.int32)
    sizes = tf.broadcast_to(np.int8(0), tensor).shape.as_list()  # the sizes that are constants, and None
    policy = call.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        if None in (*sizes, *old):
            raise Unsupported(f"keep_aspect_ratio_policy={policy} with unknown sizes is not supported")
        ratios = [new / size for size, new in zip(old, sizes, strict=True)]
        scale = (min if policy == "not_larger" else max)(ratios)
        return [scale] * len(axes), [math.floor(size * scale + 0.5) for size in old if size is not None]
    scales = []
    for at, (axis, size) in enumerate(zip(axes, old, strict=True)):
        if size is not None and sizes[at] is not None:
            scales.append(sizes[at] / size)
        elif axis == 0:
            scales.append(1.0)  # the batch keeps its size
        else:
            sizes[at] = tensor[at]
            scales.append(tf.cast(tensor[at], tf.float32) / tf.cast(tf.shape(x)[axis], tf.float32))
    return scales, sizes


def _resize_axis(call: Call, x: Any, axis: int, scale: Any, size: Any, how: How, window: Window) -> Any:
    """Resizes one axis.

    Args:
        call: the call of the operator.
        x: the tensor.
        axis: the axis.
        scale: new size / old size.
        size: the new size, or None if the old size is unknown.
        how: mode, coordinates and rounding.
        window: start and end of the part of the axis that is resized.
    """
    mode, coordinates, rounding = how
    old = x.shape[axis]
    if old is not None and isinstance(size, int):
        with tf.init_scope():  # at conversion
            weights = _weights(call, old, scale, size, how, window)
        indices, factors, outside = (np.asarray(each) for each in weights)
    else:
        count = tf.shape(x)[axis]
        new = tf.cast(tf.floor(tf.cast(count, tf.float32) * scale), tf.int32) if size is None else size
        indices, factors, outside = _weights(call, count, scale, new, how, window)
    shape = [-1 if each == axis else 1 for each in range(len(x.shape))]
    y: Any = tf.gather(x, indices[:, 0], axis=axis)
    if mode != "nearest":
        y = y * tf.reshape(factors[:, 0], shape)
        for tap in range(1, indices.shape[1]):
            y += tf.gather(x, indices[:, tap], axis=axis) * tf.reshape(factors[:, tap], shape)
    if coordinates == "tf_crop_and_resize":
        value = tf.cast(call.get("extrapolation_value", 0.0), y.dtype)
        y = tf.where(tf.reshape(outside, shape), value, y)
    return y


def _weights(call: Call, old: Any, scale: Any, new: Any, how: How, window: Window) -> tuple[Any, Any, Any]:
    """Returns the indices and the factors of the input values of each output value, and whether it lies outside.

    The arrays have shape (new, number of input values), (new, number of input values) and (new,).
    """
    mode, coordinates, rounding = how
    last = tf.cast(old, tf.float32) - 1.0
    position = _positions(coordinates, tf.cast(old, tf.float32), tf.cast(scale, tf.float32), new, window)
    outside = (position < 0) | (position > last)
    if mode == "nearest":
        taps = _ROUNDING[rounding](position)[:, None]
        factors = tf.ones_like(taps)
    else:
        left = tf.math.ceil(position) - 1  # so that the distance is in (0, 1]
        ratio = position - left
        shrinking = min(scale, 1.0) if call.get("antialias", 0) else 1.0
        reach = {"linear": 1, "cubic": 2}[mode]
        first = math.floor(-reach / shrinking) + 1
        steps = np.arange(first, 2 - first, dtype=np.float32)
        distance = tf.abs(steps[None] - ratio[:, None]) * np.float32(shrinking)
        factors = _linear(distance) if mode == "linear" else _cubic(distance, call.get("cubic_coeff_a", -0.75))
        taps = left[:, None] + steps
        if call.get("exclude_outside", 0):
            factors = tf.where((taps < 0) | (taps > last), 0.0, factors)
        if shrinking < 1 or call.get("exclude_outside", 0):
            factors /= tf.reduce_sum(factors, -1, keepdims=True)
    return tf.cast(tf.clip_by_value(taps, 0.0, last), tf.int32), factors, outside


def _positions(coordinates: str, old: Any, scale: Any, new: Any, window: Window) -> Any:
    """Returns the position of each output value on the old axis."""
    at, count = tf.cast(tf.range(new), tf.float32), tf.cast(new, tf.float32)
    if coordinates == "align_corners":
        return at * (old - 1) / tf.maximum(count - 1, 1)
    if coordinates == "asymmetric":
        return at / scale
    if coordinates == "tf_crop_and_resize":
        start, end = window
        middle = 0.5 * (start + end) * (old - 1) * tf.ones_like(at)
        inside = start * (old - 1) + at * (end - start) * (old - 1) / tf.maximum(count - 1, 1)
        return tf.where(count > 1, inside, middle)
    half_pixel = (at + 0.5) / scale - 0.5
    if coordinates == "pytorch_half_pixel":
        return tf.where(count > 1, half_pixel, 0.0)
    if coordinates == "half_pixel_symmetric":
        return old / 2 * (1 - count / (scale * old)) + half_pixel
    if coordinates == "tf_half_pixel_for_nn":
        return (at + 0.5) / scale
    if coordinates != "half_pixel":
        raise Unsupported(f"coordinate_transformation_mode={coordinates} is not supported")
    return half_pixel


def _linear(distance: Any) -> Any:
    return tf.maximum(1 - distance, 0)


def _cubic(distance: Any, a: float) -> Any:
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return tf.where(distance <= 1, near, tf.where(distance < 2, far, 0.0))


RESIZING: dict[str, Operator] = {"Resize": _resize, "Upsample": _resize}
