"""ONNX operators in TensorFlow: reshape, slice, concatenate, and gather. See `elements.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from onnx import helper

from .call import Call, Operator, Unsupported

_MAX_INDEX = (1 << 31) - 1


def _dtype(number: int) -> Any:
    return tf.as_dtype(helper.tensor_dtype_to_np_dtype(number))


def _shape(call: Call, x: Any) -> Any:
    rank = len(x.shape)
    axes = slice(call.get("start", 0), call.get("end", rank))
    if None not in x.shape[axes]:
        return np.array(x.shape[axes], np.int64)
    return tf.shape(x, tf.int64)[axes]


def _reshape(call: Call, x: Any, shape: Any = None) -> Any:
    shape = np.array(call.attributes["shape"], np.int64) if shape is None else shape
    if call.get("allowzero", 0):
        return tf.reshape(x, shape)
    known = shape if isinstance(shape, np.ndarray) else tf.get_static_value(shape)
    if known is not None and 0 not in known:
        return tf.reshape(x, known)
    before = tf.shape(x, tf.int64)[: shape.shape[0]]
    before = tf.pad(before, [[0, shape.shape[0] - tf.shape(before)[0]]])
    return tf.reshape(x, tf.where(shape == 0, before, shape))


def _flatten(call: Call, x: Any) -> Any:
    axis = call.get("axis", 1)
    sizes = x.shape[axis:].as_list() if isinstance(x.shape, tf.TensorShape) else list(x.shape[axis:])
    rest = tf.reduce_prod(tf.shape(x)[axis:]) if None in sizes else int(np.prod(sizes))
    return tf.reshape(x, (tf.reduce_prod(tf.shape(x)[:axis]), rest))


def _unsqueeze(call: Call, x: Any, axes: Any = None) -> Any:
    axes = call.ints("axes", axes) or []
    rank = len(x.shape) + len(axes)
    for axis in sorted(each % rank for each in axes):
        x = tf.expand_dims(x, axis)
    return x


def _slice(call: Call, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    starts, ends = (
        np.array(call.attributes[name], np.int64) if value is None else value
        for name, value in (("starts", starts), ("ends", ends))
    )
    x, count = tf.convert_to_tensor(x), starts.shape[0]
    axes = call.ints("axes", axes) or range(count)
    strides = call.ints("", steps) or [1] * count
    slices = [slice(None)] * len(x.shape)
    for at, (axis, step) in enumerate(zip(axes, strides, strict=True)):
        slices[axis] = slice(_slice_bound(starts[at]), _slice_bound(ends[at]), step)
    return x[tuple(slices)]


def _slice_bound(value: Any) -> Any:
    """Clips a start or an end of a slice. ONNX files have very large numbers for "to the end"."""
    if isinstance(value, np.generic):
        return int(np.clip(value, -_MAX_INDEX, _MAX_INDEX))
    return tf.cast(tf.clip_by_value(value, -_MAX_INDEX, _MAX_INDEX), tf.int32)


def _split(call: Call, x: Any, sizes: Any = None) -> Any:
    axis, sizes = call.get("axis", 0), call.ints("split", sizes)
    if sizes is None:
        total = x.shape[axis]
        if total is None:
            return tf.split(x, call.outputs, axis)
        each = -(-total // call.outputs)
        sizes = [min(each, total - each * number) for number in range(call.outputs)]
    return tf.split(x, sizes, axis)


def _pad(call: Call, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    mode = call.get("mode", "constant")
    widths = np.array(call.ints("pads", pads)).reshape(2, -1)
    if mode not in ("constant", "edge", "reflect") or widths.min(initial=0) < 0:
        raise Unsupported(f"mode={mode} with pads={widths.ravel().tolist()} is not supported")
    paddings = np.zeros((len(x.shape), 2), np.int64)
    paddings[call.ints("axes", axes) or slice(None)] = widths.T
    if mode == "edge":
        for axis, (before, after) in enumerate(paddings):
            size = tf.shape(x, tf.int64)[axis]
            x = tf.gather(x, tf.clip_by_value(tf.range(-before, size + after), 0, size - 1), axis=axis)
        return x
    fill = call.get("value", 0) if value is None else tf.reshape(value, ())
    return tf.pad(x, paddings, mode, tf.cast(fill, x.dtype))


def _gather(call: Call, x: Any, indices: Any) -> Any:
    axis = call.get("axis", 0)
    indices = tf.convert_to_tensor(indices)
    size = tf.cast(tf.shape(x)[axis], indices.dtype)
    return tf.gather(x, tf.where(indices < 0, indices + size, indices), axis=axis)


def _one_hot(call: Call, indices: Any, depth: Any, values: Any) -> Any:
    count = int(call.static(depth).item())
    indices = tf.cast(indices, tf.int64)
    indices = tf.where(indices < 0, indices + count, indices)
    return tf.where(tf.one_hot(indices, count, True, False, call.get("axis", -1), tf.bool), values[1], values[0])


def _expand(call: Call, x: Any, shape: Any) -> Any:
    return tf.broadcast_to(x, tf.broadcast_dynamic_shape(tf.shape(x, tf.int64), tf.cast(shape, tf.int64)))


def _constant(call: Call) -> Any:
    for name, value in call.attributes.items():
        if name == "value":
            return value
        if name in ("value_float", "value_floats"):
            return np.array(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.array(value, np.int64)
    raise Unsupported("string constants and sparse constants are not supported")


def _constant_of_shape(call: Call, shape: Any) -> Any:
    return tf.fill(shape, tf.reshape(call.get("value", np.zeros(1, np.float32)), ()))


def _depth_to_space(call: Call, x: Any) -> Any:
    size, depth_first = call.attributes["blocksize"], call.get("mode", "DCR") == "CRD"
    _, channels, height, width = x.shape
    parts = (channels // size**2, size, size) if depth_first else (size, size, channels // size**2)
    order = (0, 1, 4, 2, 5, 3) if depth_first else (0, 3, 4, 1, 5, 2)
    blocks = tf.transpose(tf.reshape(x, (-1, *parts, height, width)), order)
    return tf.reshape(blocks, (-1, channels // size**2, height * size, width * size))


def _space_to_depth(call: Call, x: Any) -> Any:
    size = call.attributes["blocksize"]
    _, channels, height, width = x.shape
    if None in (channels, height, width):
        raise Unsupported("only images of a fixed size are supported")
    blocks = tf.reshape(x, (-1, channels, height // size, size, width // size, size))
    order = (0, 1, 3, 5, 2, 4) if call.get("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    return tf.reshape(tf.transpose(blocks, order), (-1, channels * size**2, height // size, width // size))


def _gather_elements(call: Call, x: Any, indices: Any) -> Any:
    axis = call.get("axis", 0) % len(x.shape)
    indices = tf.cast(indices, tf.int64)
    indices = tf.where(indices < 0, indices + tf.shape(x, tf.int64)[axis], indices)
    ranges = [tf.range(size) for size in tf.unstack(tf.shape(indices, tf.int64), num=len(x.shape))]
    coordinates = tf.meshgrid(*ranges, indexing="ij")
    coordinates[axis] = indices
    return tf.gather_nd(x, tf.stack(coordinates, -1))


def _scatter_nd(call: Call, x: Any, coordinates: Any, updates: Any) -> Any:
    scatter = {
        "none": tf.tensor_scatter_nd_update,
        "add": tf.tensor_scatter_nd_add,
        "max": tf.tensor_scatter_nd_max,
        "min": tf.tensor_scatter_nd_min,
    }.get(call.get("reduction", "none"))
    if scatter is None:
        raise Unsupported(f"reduction={call.get('reduction', '')} is not supported")
    coordinates = tf.cast(coordinates, tf.int64)
    sizes = tf.shape(x, tf.int64)[: coordinates.shape[-1]]
    return scatter(x, tf.where(coordinates < 0, coordinates + sizes, coordinates), updates)


def _trilu(call: Call, x: Any, offset: Any = None) -> Any:
    shift = 0 if offset is None else tf.cast(tf.reshape(offset, ()), tf.int32)
    shape = tf.shape(x)
    distance = tf.range(shape[-1])[None] - tf.range(shape[-2])[:, None]
    kept = distance >= shift if call.get("upper", 1) else distance <= shift
    return tf.where(kept, x, tf.zeros_like(x))


SHAPES: dict[str, Operator] = {
    "Cast": lambda call, x: tf.cast(x, _dtype(call.attributes["to"])),
    "CastLike": lambda call, x, y: tf.cast(x, y.dtype),
    "Concat": lambda call, *inputs: tf.concat(inputs, call.attributes["axis"]),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "DepthToSpace": _depth_to_space,
    "Dropout": lambda call, x, *_: (tf.identity(x), tf.ones_like(x, tf.bool)),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": lambda call, x, coordinates: tf.gather_nd(x, coordinates, call.get("batch_dims", 0)),
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": lambda call, start, limit, step: tf.range(start, limit, step),
    "Reshape": _reshape,
    "ReverseSequence": lambda call, x, lengths: tf.reverse_sequence(
        x, lengths, call.get("time_axis", 0), call.get("batch_axis", 1)
    ),
    "ScatterND": _scatter_nd,
    "Shape": _shape,
    "Size": lambda call, x: tf.size(x, tf.int64),
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": lambda call, x, axes=None: tf.squeeze(x, call.ints("axes", axes)),
    "Tile": lambda call, x, times: tf.tile(x, times),
    "Transpose": lambda call, x: tf.transpose(x, call.get("perm", None)),
    "Trilu": _trilu,
    "Unsqueeze": _unsqueeze,
}
