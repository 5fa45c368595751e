"""Reads and writes PredictRequest and PredictResponse: the hot path of gRPC.

This code is written by hand, because the protobuf library copies every value into a message and NumPy copies the value
again. Here, float and double values (`float_val`, `double_val` or `tensor_content`) become arrays that share the memory
of the request. The generated protobuf classes read all other types and rare encodings, with the same result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from . import merging, messages, tensor
from .model_spec import ModelSpec, decode_spec, encode_spec, model_spec

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """A decoded request.

    Attributes:
        spec: the model, version and signature. None if the message has no `model_spec`.
        inputs: arrays by input name. A malformed tensor is a `TensorError`.
        outputs: the names of the outputs to return. () for all outputs.
    """

    spec: ModelSpec | None
    inputs: Mapping[str, Array | tensor.TensorError]
    outputs: tuple[str, ...] = field(default=())


class _Unusual(Exception):
    """Raised if the fast path cannot read a message."""


def decode_request(data: bytes) -> PredictRequest:
    """Reads a request. Raises `google.protobuf.message.DecodeError` for malformed bytes."""
    return decode_quickly(data) or _parse_request(data)


def decode_quickly(data: bytes) -> PredictRequest | None:
    """Reads a request if this takes little time, also for a large request. Otherwise returns None."""
    layout = _LAYOUTS.get(len(data))
    if layout and data.startswith(layout.before) and data.endswith(layout.after):
        values = np.frombuffer(data, layout.dtype, layout.size, len(layout.before))
        return PredictRequest(layout.spec, {layout.name: values.reshape(layout.shape)}, layout.outputs)
    try:
        return _read_request(data)
    except (_Unusual, IndexError, UnicodeDecodeError):
        return None


def _parse_request(data: bytes) -> PredictRequest:
    message = merging.parse(messages.PredictRequest, data)
    budget = tensor.FillBudget()
    inputs = {name: tensor.array_or_error(proto, budget) for name, proto in message.inputs.items()}
    spec = model_spec(message.model_spec) if message.HasField("model_spec") else None
    return PredictRequest(spec, inputs, tuple([name for name in message.output_filter]))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns the varint at `at` and the position after it."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
        if shift > 28:  # longer than five bytes
            raise _Unusual


def _chunk(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Returns the start and stop of the length-delimited field whose length is at `at`."""
    length, start = _varint(data, at)
    if start + length > end:
        raise _Unusual
    return start, start + length


def _read_request(data: bytes) -> PredictRequest:
    spec: ModelSpec | None = None
    inputs: dict[str, Array | tensor.TensorError] = {}
    outputs: list[str] = []
    begin = -1
    budget = tensor.FillBudget()
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        if tag not in (0x0A, 0x12, 0x1A):  # model_spec, inputs, output_filter
            raise _Unusual
        start, stop = _chunk(data, at + 1, end)
        if tag == 0x12:
            name, inputs[name], begin = _read_input(data, start, stop, budget)
        elif tag == 0x0A:
            if spec is not None:
                raise _Unusual
            spec = decode_spec(data[start:stop])
        else:
            outputs.append(data[start:stop].decode())
        at = stop
        if len(inputs) + len(outputs) > _MAX_NAMES:
            raise _Unusual
    request = PredictRequest(spec, inputs, tuple(outputs))
    if len(inputs) == 1 and begin >= 0:
        _remember(data, begin, request)
    return request


class _Layout(NamedTuple):
    """The layout of a request with one input: all bytes except the values, and what these bytes mean."""

    before: bytes
    after: bytes
    spec: ModelSpec | None
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int
    outputs: tuple[str, ...]


_LAYOUTS: dict[int, _Layout] = {}  # the last layout for each length of a request: clients send the same few again
_MAX_LAYOUTS, _MAX_LAYOUT_BYTES = 256, 1024
# The fast path leaves requests with more names, and tensors of other types with more bytes, to `_parse_request`.
_MAX_NAMES, _MAX_PARSED_BYTES = 256, 16 << 10


def _remember(data: bytes, begin: int, request: PredictRequest) -> None:
    """Stores the layout of a request whose values begin at `begin`."""
    ((name, array),) = request.inputs.items()
    assert isinstance(array, np.ndarray)
    after = data[begin + array.nbytes :]
    if begin + len(after) > _MAX_LAYOUT_BYTES:
        return
    if len(_LAYOUTS) >= _MAX_LAYOUTS:
        _LAYOUTS.clear()
    layout = _Layout(data[:begin], after, request.spec, name, array.dtype, array.shape, array.size, request.outputs)
    _LAYOUTS[len(data)] = layout


def _read_input(
    data: bytes, at: int, end: int, budget: tensor.FillBudget
) -> tuple[str, Array | tensor.TensorError, int]:
    """Reads an entry of the map `inputs`: the key (field 1), then the value (field 2).

    Returns the key, the array, and the position of its values in `data`; −1 if the array does not share the memory of
    `data`.
    """
    if data[at] != 0x0A:
        raise _Unusual
    start, stop = _chunk(data, at + 1, end)
    name = data[start:stop].decode()
    if stop >= end or data[stop] != 0x12:
        raise _Unusual
    start, stop = _chunk(data, stop + 1, end)
    if stop != end:
        raise _Unusual
    try:
        return name, *_read_tensor(data, start, stop, budget)
    except tensor.TensorError as error:
        return name, error.with_traceback(None), -1


_FLOATS: dict[int, tuple[int, np.dtype[Any]]] = {  # number of the data type -> (tag of its *_val field, NumPy dtype)
    1: (0x2A, np.dtype("<f4")),
    2: (0x32, np.dtype("<f8")),
}
_NUMBERS = {numpy_dtype: number for number, (_, numpy_dtype) in _FLOATS.items()}


def _read_tensor(data: bytes, at: int, end: int, budget: tensor.FillBudget) -> tuple[Array, int]:
    begin, dtype, shape, values = at, 0, (0, 0), (0, 0, 0)
    while at < end:
        tag = data[at]
        if tag == 0x08:  # dtype
            dtype, at = _varint(data, at + 1)
        elif tag == 0x12 and not shape[1]:  # tensor_shape
            shape = _chunk(data, at + 1, end)
            at = shape[1]
        elif tag in (0x22, 0x2A, 0x32) and not values[0]:  # tensor_content, float_val, double_val (packed)
            start, stop = _chunk(data, at + 1, end)
            values, at = (tag, start, stop), stop
        else:
            return _parse_tensor(data[begin:end], budget), -1
    if dtype not in _FLOATS or values[0] not in (0, 0x22, _FLOATS[dtype][0]):
        return _parse_tensor(data[begin:end], budget), -1
    numpy_dtype, (_, start, stop) = _FLOATS[dtype][1], values
    count, rest = divmod(stop - start, numpy_dtype.itemsize)
    sizes = _read_shape(data, *shape)
    if rest or not count or len(sizes) > tensor.MAX_RANK or count != math.prod(sizes):
        return _parse_tensor(data[begin:end], budget), -1  # no values, a wrong number of values, or malformed
    return np.frombuffer(data, numpy_dtype, count, start).reshape(sizes), start


def _parse_tensor(data: bytes, budget: tensor.FillBudget) -> Array:
    if len(data) > _MAX_PARSED_BYTES:
        raise _Unusual
    return tensor.to_array(messages.TensorProto.FromString(data), budget)


def _read_shape(data: bytes, at: int, end: int) -> list[int]:
    sizes: list[int] = []
    while at < end:
        if data[at] != 0x12:  # dim
            raise _Unusual
        start, stop = _chunk(data, at + 1, end)
        if len(sizes) > tensor.MAX_RANK:
            raise _Unusual
        if start == stop:
            sizes.append(0)
        elif data[start] == 0x08:  # size
            size, after = _varint(data, start + 1)
            if after != stop or size >= 1 << 63:
                raise _Unusual
            sizes.append(size)
        else:
            raise _Unusual
        at = stop
    return sizes


def encode_field(tag: int, content: bytes) -> bytes:
    """Writes a length-delimited field."""
    return bytes((tag,)) + tensor.varint(len(content)) + content


@functools.lru_cache(256)
def _head(name: str, dtype: np.dtype[Any], shape: tuple[int, ...], tag: int, as_content: bool) -> bytes:
    """Returns all bytes of a map entry before the values of the tensor. Requests have the same few shapes again."""
    number = _NUMBERS[dtype]
    sizes = b"".join(encode_field(0x12, b"\x08" + tensor.varint(size)) for size in shape)
    values_tag = 0x22 if as_content else _FLOATS[number][0]
    size = math.prod(shape) * dtype.itemsize
    head = bytes((0x08, number)) + encode_field(0x12, sizes) + bytes((values_tag,)) + tensor.varint(size)
    entry = encode_field(0x0A, name.encode()) + b"\x12" + tensor.varint(len(head) + size) + head
    return bytes((tag,)) + tensor.varint(len(entry) + size) + entry


def encode_tensors(tensors: Mapping[str, Array], tag: int, *, as_content: bool = False) -> bytes:
    """Serializes a `map<string, TensorProto>` field with the given tag.

    The values are in `tensor_content` if `as_content`, otherwise in the `*_val` field of the data type.
    """
    return b"".join(_parts(tensors, tag, as_content))


def _parts(tensors: Mapping[str, Array], tag: int, as_content: bool) -> list[Any]:
    """Returns parts whose concatenation is the field. The values are copied only once, into the whole message."""
    parts: list[Any] = []
    for name, array in tensors.items():
        if array.dtype in _NUMBERS and array.size:
            parts += _head(name, array.dtype, array.shape, tag, as_content), np.ascontiguousarray(array)
        else:
            message = tensor.from_array(array, as_content=as_content).SerializeToString()
            parts.append(encode_field(tag, encode_field(0x0A, name.encode()) + encode_field(0x12, message)))
    return parts


def encode_response(spec: ModelSpec, outputs: Mapping[str, Array], *, as_content: bool = False) -> bytes:
    """Serializes a `PredictResponse`. `spec` is the model that answered, and `outputs` has the outputs by name."""
    return b"".join([*_parts(outputs, 0x0A, as_content), encode_field(0x12, encode_spec(spec))])


def encode_request(spec: ModelSpec, inputs: Mapping[str, Array], outputs: tuple[str, ...] = ()) -> bytes:
    """Serializes a `PredictRequest`. `outputs` are the names of the outputs to return, () for all outputs."""
    output_filter = b"".join(encode_field(0x1A, name.encode()) for name in outputs)
    return b"".join([encode_field(0x0A, encode_spec(spec)), *_parts(inputs, 0x12, True), output_filter])


__all__ = [
    "DecodeError",
    "ModelSpec",
    "PredictRequest",
    "decode_request",
    "encode_request",
    "encode_response",
    "encode_spec",
    "encode_tensors",
    "model_spec",
]
