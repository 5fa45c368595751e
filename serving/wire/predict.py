"""Reads and writes PredictRequest and PredictResponse: the hot path of gRPC.

This code is written by hand, because the protobuf library copies every value into a message and NumPy copies the value
again. Here, float and double values (`float_val`, `double_val` or `tensor_content`) become arrays that share the memory
of the request. The generated protobuf classes read all other types and rare encodings, with the same result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from . import messages, tensor
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
    try:
        return _read_request(data)
    except (_Unusual, IndexError, UnicodeDecodeError):
        return _parse_request(data)


def _parse_request(data: bytes) -> PredictRequest:
    message = messages.PredictRequest.FromString(data)
    budget = tensor.FillBudget()
    inputs = {name: tensor.array_or_error(proto, budget) for name, proto in message.inputs.items()}
    spec = model_spec(message.model_spec) if message.HasField("model_spec") else None
    return PredictRequest(spec, inputs, tuple(message.output_filter))


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
    budget = tensor.FillBudget()
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        if tag not in (0x0A, 0x12, 0x1A):  # model_spec, inputs, output_filter
            raise _Unusual
        start, stop = _chunk(data, at + 1, end)
        if tag == 0x12:
            name, value = _read_input(data, start, stop, budget)
            inputs[name] = value
        elif tag == 0x0A:
            if spec is not None:
                raise _Unusual
            spec = decode_spec(data[start:stop])
        else:
            outputs.append(data[start:stop].decode())
        at = stop
    return PredictRequest(spec, inputs, tuple(outputs))


def _read_input(data: bytes, at: int, end: int, budget: tensor.FillBudget) -> tuple[str, Array | tensor.TensorError]:
    """Reads an entry of the map `inputs`: the key (field 1), then the value (field 2)."""
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
        return name, _read_tensor(data, start, stop, budget)
    except tensor.TensorError as error:
        return name, error.with_traceback(None)


_FLOATS: dict[int, tuple[int, np.dtype[Any]]] = {  # number of the data type -> (tag of its *_val field, NumPy dtype)
    1: (0x2A, np.dtype("<f4")),
    2: (0x32, np.dtype("<f8")),
}
_NUMBERS = {numpy_dtype: number for number, (_, numpy_dtype) in _FLOATS.items()}


def _read_tensor(data: bytes, at: int, end: int, budget: tensor.FillBudget) -> Array:
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
            return _parse_tensor(data[begin:end], budget)
    if dtype not in _FLOATS or values[0] not in (0, 0x22, _FLOATS[dtype][0]):
        return _parse_tensor(data[begin:end], budget)
    numpy_dtype, (_, start, stop) = _FLOATS[dtype][1], values
    count, rest = divmod(stop - start, numpy_dtype.itemsize)
    sizes = _read_shape(data, *shape)
    if rest or not count or len(sizes) > tensor.MAX_RANK or count != math.prod(sizes):
        return _parse_tensor(data[begin:end], budget)  # no values, a wrong number of values, or malformed
    return np.frombuffer(data, numpy_dtype, count, start).reshape(sizes)


def _parse_tensor(data: bytes, budget: tensor.FillBudget) -> Array:
    return tensor.to_array(messages.TensorProto.FromString(data), budget)


def _read_shape(data: bytes, at: int, end: int) -> list[int]:
    sizes = []
    while at < end:
        if data[at] != 0x12:  # dim
            raise _Unusual
        start, stop = _chunk(data, at + 1, end)
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


def _field(tag: int, content: bytes) -> bytes:
    """Writes a length-delimited field."""
    return bytes((tag,)) + tensor.varint(len(content)) + content


_NOTHING = np.empty(0, np.uint8)


def _parts(array: Array, as_content: bool) -> tuple[bytes, Array]:
    """Serializes a `TensorProto` to two parts whose concatenation is the message.

    The second part is an array of values, so that the values are copied only once, into the whole message.
    """
    number = _NUMBERS.get(array.dtype)
    if number is None or array.size == 0:
        return tensor.from_array(array, as_content=as_content).SerializeToString(), _NOTHING
    shape = b"".join(_field(0x12, b"\x08" + tensor.varint(size)) for size in array.shape)
    tag = 0x22 if as_content else _FLOATS[number][0]
    head = bytes((0x08, number)) + _field(0x12, shape) + bytes((tag,)) + tensor.varint(array.nbytes)
    return head, np.ascontiguousarray(array)


def encode_tensors(tensors: Mapping[str, Array], tag: int, *, as_content: bool = False) -> bytes:
    """Serializes a `map<string, TensorProto>` field with the given tag.

    The values are in `tensor_content` if `as_content`, otherwise in the `*_val` field of the data type.
    """
    pieces: list[Any] = []
    for name, array in tensors.items():
        head, values = _parts(array, as_content)
        size = len(head) + values.nbytes
        entry = _field(0x0A, name.encode()) + b"\x12" + tensor.varint(size) + head
        pieces += bytes((tag,)), tensor.varint(len(entry) - len(head) + size), entry, values
    return b"".join(pieces)


def encode_response(spec: ModelSpec, outputs: Mapping[str, Array], *, as_content: bool = False) -> bytes:
    """Serializes a `PredictResponse`. `spec` is the model that answered, and `outputs` has the outputs by name."""
    return encode_tensors(outputs, 0x0A, as_content=as_content) + _field(0x12, encode_spec(spec))


def encode_request(spec: ModelSpec, inputs: Mapping[str, Array], outputs: tuple[str, ...] = ()) -> bytes:
    """Serializes a `PredictRequest`. `outputs` are the names of the outputs to return, () for all outputs."""
    output_filter = b"".join(_field(0x1A, name.encode()) for name in outputs)
    return _field(0x0A, encode_spec(spec)) + encode_tensors(inputs, 0x12, as_content=True) + output_filter


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
