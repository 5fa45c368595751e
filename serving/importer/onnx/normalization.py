"""ONNX operators in TensorFlow: normalizations, but `windows.py` has batch, instance and layer norm."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from .call import Call, Operator, Unsupported


def _group_normalization(call: Call, x: Any, scale: Any, shift: Any) -> Any:
    groups, channels = call.attributes["num_groups"], x.shape[1]
    if channels is None:
        raise Unsupported("an unknown number of channels is not supported")
    shape = tf.shape(x)
    grouped = tf.reshape(x, tf.concat([shape[:1], [groups, channels // groups], shape[2:]], 0))
    mean, variance = tf.nn.moments(grouped, list(range(2, len(x.shape) + 1)), keepdims=True)
    normal = (grouped - mean) * tf.math.rsqrt(variance + tf.cast(call.get("epsilon", 1e-5), x.dtype))
    per_channel = [1, channels, *[1] * (len(x.shape) - 2)]
    if call.opset < 21:  # one scale for each group
        scale, shift = (tf.repeat(each, channels // groups) for each in (scale, shift))
    y = tf.reshape(normal, shape) * tf.reshape(scale, per_channel) + tf.reshape(shift, per_channel)
    return tf.ensure_shape(y, x.shape)


def _local_response_normalization(call: Call, x: Any) -> Any:
    """Divides each value by a power of the squares of its neighbours in the axis of the channels."""
    size = call.attributes["size"]
    before = (size - 1) // 2
    pads = [(0, 0), (before, size - 1 - before), *[(0, 0)] * (len(x.shape) - 2)]
    squares = tf.pad(tf.square(x), pads)
    channels = tf.shape(x)[1]
    total = tf.add_n([squares[:, at : channels + at] for at in range(size)])
    power = tf.pow(call.get("bias", 1.0) + call.get("alpha", 1e-4) / size * total, call.get("beta", 0.75))
    return tf.ensure_shape(x / power, x.shape)


def _lp_normalization(call: Call, x: Any) -> Any:
    axis = call.get("axis", -1)
    if call.get("p", 2) == 1:
        norm = tf.reduce_sum(tf.abs(x), axis, keepdims=True)
    else:
        norm = tf.sqrt(tf.reduce_sum(tf.square(x), axis, keepdims=True))
    return tf.math.divide_no_nan(x, norm)


NORMALIZATION: dict[str, Operator] = {
    "GroupNormalization": _group_normalization,
    "LRN": _local_response_normalization,
    "LpNormalization": _lp_normalization,
}
