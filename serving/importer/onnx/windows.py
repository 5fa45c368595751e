"""ONNX operators in TensorFlow: convolutions, pooling and normalizations. See `elements.py`.

ONNX tensors have shape (batch, channels, …). TensorFlow computes with (batch, …, channels). "…" are the spatial axes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .call import Call, Operator, Unsupported

Pads = list[tuple[int, int]]  # padding before and after, for each spatial axis


def _channels_last(x: Any) -> Any:
    rank = len(x.shape)
    return tf.transpose(x, [0, *range(2, rank), 1])


def _channels_first(x: Any) -> Any:
    rank = len(x.shape)
    return tf.transpose(x, [0, rank - 1, *range(1, rank - 1)])


def _pads(call: Call, x: Any, windows: Sequence[int], strides: Sequence[int]) -> Pads:
    """Returns the padding for the spatial axes of `x` (batch, channels, …)."""
    count, auto_pad = len(windows), call.get("auto_pad", "NOTSET")
    if auto_pad in ("NOTSET", "VALID"):
        pads = call.get("pads", [0] * (2 * count)) if auto_pad == "NOTSET" else [0] * (2 * count)
        return list(zip(pads[:count], pads[count:], strict=True))
    sizes = x.shape[2:]
    if None in sizes:
        raise Unsupported(f"auto_pad={auto_pad} with unknown sizes is not supported")
    all_pads = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        ends = (total // 2, total - total // 2)
        all_pads.append(ends if auto_pad == "SAME_UPPER" else ends[::-1])
    return all_pads


def _pad_spatial(x: Any, pads: Pads, value: float = 0.0) -> Any:
    """Pads the spatial axes of `x` (batch, …, channels)."""
    return tf.pad(x, [(0, 0), *pads, (0, 0)], constant_values=tf.cast(value, x.dtype)) if np.any(pads) else x


def _strided(run: Callable[[Sequence[int]], Any], strides: Sequence[int], dilations: Sequence[int]) -> Any:
    """Calls `run` with strides.

    TensorFlow does not support strides and dilations together. If both are above 1, `run` gets strides of 1, and every
    n-th result is kept.
    """
    if max(strides) == 1 or max(dilations) == 1:
        return run(strides)
    return run([1] * len(strides))[(slice(None), *[slice(None, None, stride) for stride in strides])]


def _conv(call: Call, x: Any, kernel: Any, bias: Any = None) -> Any:
    count = len(kernel.shape) - 2
    strides, dilations = call.get("strides", [1] * count), call.get("dilations", [1] * count)
    windows = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    y = _pad_spatial(_channels_last(x), _pads(call, x, windows, strides))
    weights = tf.transpose(kernel, [*range(2, count + 2), 1, 0])  # (…, in, out)
    groups = call.get("group", 1)
    parts = list(zip(tf.split(y, groups, -1), tf.split(weights, groups, -1), strict=True))

    def run(steps: Sequence[int]) -> Any:
        results = [tf.nn.convolution(part, each, steps, "VALID", dilations=dilations) for part, each in parts]
        return tf.concat(results, -1) if groups > 1 else results[0]

    y = _strided(run, strides, dilations)
    return _channels_first(y if bias is None else y + bias)


def _depthwise(call: Call, x: Any, kernel: Any, bias: Any = None) -> Any:
    """Computes a depthwise convolution. Each channel has its own kernels."""
    strides, dilations = call.get("strides", [1, 1]), call.get("dilations", [1, 1])
    windows = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilations, strict=True)]
    y = _pad_spatial(_channels_last(x), _pads(call, x, windows, strides))
    out, _, height, width = kernel.shape
    channels = call.attributes["group"]
    weights = tf.reshape(tf.transpose(kernel, [2, 3, 0, 1]), (height, width, channels, out // channels))
    y = tf.nn.depthwise_conv2d(y, weights, [1, *strides, 1], "VALID", dilations=dilations)
    return _channels_first(y if bias is None else y + bias)


def _any_conv(call: Call, x: Any, kernel: Any, bias: Any = None) -> Any:
    strides, dilations = call.get("strides", [1, 1]), call.get("dilations", [1, 1])
    is_depthwise = len(kernel.shape) == 4 and kernel.shape[1] == 1 and call.get("group", 1) > 1
    fits = len(set(strides)) == 1 and (set(dilations) == {1} or set(strides) == {1})
    return (_depthwise if is_depthwise and fits else _conv)(call, x, kernel, bias)


def _conv_transpose(call: Call, x: Any, kernel: Any, bias: Any = None) -> Any:
    count = len(kernel.shape) - 2
    call.refuse_unless("dilations", [1] * count)
    strides, extra = call.get("strides", [1] * count), call.get("output_padding", [0] * count)
    windows = kernel.shape[2:]
    groups = call.get("group", 1)
    weights = tf.transpose(kernel, [*range(2, count + 2), 1, 0])  # (…, out, in)
    y, results = _channels_last(x), []
    for part, each in zip(tf.split(y, groups, -1), tf.split(weights, groups, -1), strict=True):
        shape = tf.shape(part)
        sizes = [
            (size or shape[axis + 1]) * stride - stride + window
            for axis, (size, stride, window) in enumerate(zip(part.shape[1:-1], strides, windows, strict=True))
        ]
        results.append(tf.nn.conv_transpose(part, each, [shape[0], *sizes, each.shape[-2]], strides, "VALID"))
    y = tf.concat(results, -1) if groups > 1 else results[0]
    pads = _transposed_pads(call, x, y, strides)
    y = _pad_spatial(y, [(0, max(each - after, 0)) for each, (_, after) in zip(extra, pads, strict=True)])
    cuts = [
        slice(before, -cut if (cut := max(after - each, 0)) else None)
        for each, (before, after) in zip(extra, pads, strict=True)
    ]
    y = y[(slice(None), *cuts)]
    return _channels_first(y if bias is None else y + bias)


def _transposed_pads(call: Call, x: Any, y: Any, strides: Sequence[int]) -> Pads:
    """Returns how much to crop from the spatial axes of `y` (batch, …, channels)."""
    count, auto_pad = len(strides), call.get("auto_pad", "NOTSET")
    output_sizes = call.get("output_shape", None)
    if auto_pad.startswith("SAME") and output_sizes is None and None not in x.shape[2:]:
        output_sizes = [size * stride for size, stride in zip(x.shape[2:], strides, strict=True)]
    if output_sizes is None:
        call.refuse_unless("auto_pad", "NOTSET", "VALID")
        pads = call.get("pads", [0] * (2 * count)) if auto_pad == "NOTSET" else [0] * (2 * count)
        return list(zip(pads[:count], pads[count:], strict=True))
    extra = call.get("output_padding", [0] * count)
    if None in y.shape[1:] or any(
        size < target for size, target in zip(y.shape[1:-1], output_sizes[-count:], strict=True)
    ):
        raise Unsupported("output_shape with unknown or larger sizes is not supported")
    total = [
        size + each - target for size, each, target in zip(y.shape[1:-1], extra, output_sizes[-count:], strict=True)
    ]
    ends = [(each // 2, each - each // 2) for each in total]
    return ends if auto_pad == "SAME_UPPER" else [each[::-1] for each in ends]


def _pool(pooling_type: str) -> Operator:
    def pool(call: Call, x: Any) -> Any:
        windows = call.attributes["kernel_shape"]
        strides, dilations = (call.get(name, [1] * len(windows)) for name in ("strides", "dilations"))
        extents = [(size - 1) * step + 1 for size, step in zip(windows, dilations, strict=True)]
        pads = _pads(call, x, extents, strides)
        extra = _rest(call, x, pads, extents, strides)
        y = _channels_last(x)

        def run(values: Any) -> Any:
            return _strided(
                lambda steps: tf.nn.pool(values, windows, pooling_type, steps, "VALID", dilations=dilations),
                strides,
                dilations,
            )

        if pooling_type == "MAX":
            return _channels_first(run(_pad_spatial(_pad_spatial(y, pads, y.dtype.min), extra, y.dtype.min)))
        inner = tf.ones_like(y)
        counted = _pad_spatial(inner, pads, float(call.get("count_include_pad", 0)))
        return _channels_first(run(_pad_spatial(_pad_spatial(y, pads), extra)) / run(_pad_spatial(counted, extra)))

    return pool


def _rest(call: Call, x: Any, pads: Pads, extents: Sequence[int], strides: Sequence[int]) -> Pads:
    """Returns the additional padding that completes the last window if ceil_mode=1, or else zeros."""
    if not call.get("ceil_mode", 0):
        return [(0, 0)] * len(pads)
    if None in x.shape[2:]:
        raise Unsupported("ceil_mode=1 with unknown sizes is not supported")
    extra = []
    for size, (before, after), window, stride in zip(x.shape[2:], pads, extents, strides, strict=True):
        steps = -(-(size + before + after - window) // stride)
        if steps * stride >= size + before:  # the window would start after the end of the image
            steps -= 1
        extra.append((0, max(steps * stride + window - size - before - after, 0)))
    return extra


def _spatial_axes(x: Any) -> list[int]:
    return list(range(2, len(x.shape)))


def _per_channel(x: Any, values: Any) -> Any:
    return tf.reshape(values, [-1, *[1] * (len(x.shape) - 2)])


def _batch_normalization(call: Call, x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
    call.refuse_unless("training_mode", 0)
    compute = tf.float64 if x.dtype == tf.float64 else tf.float32
    scale, shift, mean, variance = (tf.cast(each, compute) for each in (scale, shift, mean, variance))
    factor = scale / tf.sqrt(variance + tf.cast(call.get("epsilon", 1e-5), compute))
    y = tf.cast(x, compute) * _per_channel(x, factor) + _per_channel(x, shift - mean * factor)
    return tf.cast(y, x.dtype)


def _normalized(x: Any, axes: list[int], epsilon: float) -> Any:
    """Normalizes `x` over axes. Returns the result, the mean, and the reciprocal of the standard deviation."""
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    factor = tf.math.rsqrt(variance + epsilon)
    return (x - mean) * factor, mean, factor


def _instance_normalization(call: Call, x: Any, scale: Any, shift: Any) -> Any:
    normal, _, _ = _normalized(x, _spatial_axes(x), call.get("epsilon", 1e-5))
    return normal * _per_channel(x, scale) + _per_channel(x, shift)


def _layer_normalization(call: Call, x: Any, scale: Any, shift: Any = None) -> Any:
    rank = len(x.shape)
    axes = list(range(call.get("axis", -1) % rank, rank))
    normal, mean, factor = _normalized(x, axes, call.get("epsilon", 1e-5))
    return normal * scale if shift is None else normal * scale + shift, mean, factor


WINDOWS: dict[str, Operator] = {
    "AveragePool": _pool("AVG"),
    "BatchNormalization": _batch_normalization,
    "Conv": _any_conv,
    "ConvTranspose": _conv_transpose,
    "GlobalAveragePool": lambda call, x: tf.reduce_mean(x, _spatial_axes(x), keepdims=True),
    "GlobalMaxPool": lambda call, x: tf.reduce_max(x, _spatial_axes(x), keepdims=True),
    "InstanceNormalization": _instance_normalization,
    "LayerNormalization": _layer_normalization,
    "MaxPool": _pool("MAX"),
}
