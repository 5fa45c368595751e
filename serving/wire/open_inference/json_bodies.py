"""Reads the body of an inference request over REST, and writes the body of the answer.

A body is JSON. With the binary data extension, raw bytes of tensors follow the JSON: each input with the parameter
`binary_data_size` has so many of the bytes, in the order of the inputs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from ...errors import InvalidArgument
from .. import dtypes, tensor
from ..json.answers import numbers
from ..json.document import MISSING, Object, raw
from ..json.lists import from_value
from ..json.reader import loads
from ..json.steps import discard
from ..json.writer import quoted
from ..model_spec import ModelSpec
from .tensors import DATA_TYPES, MAX_NAMES, Array, Buffer, Header, data_type_of, from_raw, raw_bytes

_STEP = 1 << 14  # strings that are written at once
_STRING_BYTES, _STRING_RATIO = 48, 12  # memory of an empty string in an array, and the same divided by its raw bytes
# Types that the readers of JSON lack, or whose range they do not check, are read as a wider type.
_WIDE = {name: "INT32" for name in ("INT8", "INT16", "UINT8", "UINT16")} | {"FP16": "FP32", "BF16": "FP32"}
_JSON_TYPES = {str: "a string", bool: "true or false", int: "an integer", list: "a list", Object: "an object"}


@dataclass(frozen=True, slots=True)
class Request:
    """An inference request.

    Attributes:
        id: the identifier of the request, which the answer repeats; "" if there is none.
        signature: the name of the requested signature, or "".
        inputs: arrays by input name.
        outputs: the requested outputs, and whether each is sent as binary data. Empty: all outputs.
        all_binary: whether outputs that the request does not name are sent as binary data.
    """

    id: str
    signature: str
    inputs: dict[str, Array]
    outputs: dict[str, bool]
    all_binary: bool


def read(data: bytes, json_bytes: int | None = None) -> Request:
    """Reads a body whose first `json_bytes` bytes are JSON, by default all bytes.

    Raises:
        InvalidArgument: the JSON or one of its members is malformed, or the values of an input do not fit its shape and
            data type.
        ResourceExhausted: the inputs have too many strings.
    """
    end = len(data) if json_bytes is None else json_bytes
    if end > len(data):
        raise InvalidArgument(f"Expected a body of at least {end} bytes. Received: {len(data)}")
    document = loads(data[:end])
    try:
        if not isinstance(document, Object):
            raise InvalidArgument("Expected a JSON object with the member inputs.")
        all_binary = _parameter(document, "binary_data_output", bool, False)
        wanted = _objects(document, "outputs")
        outputs = {_member(each, "name", str): _parameter(each, "binary_data", bool, all_binary) for each in wanted}
        return Request(
            _member(document, "id", str, ""),
            _parameter(document, "signature_name", str, ""),
            _inputs(_objects(document, "inputs"), len(wanted), memoryview(data)[end:]),
            outputs,
            all_binary,
        )
    finally:
        discard(document)


def string_memory(data: bytes, json_bytes: int) -> int:
    """Estimates the maximum memory in bytes of the arrays for strings that follow the first `json_bytes` bytes."""
    head = data[:json_bytes]
    if b"BYTES" not in head and b"\\" not in head:  # the name of the data type may be written with escapes
        return 0
    return min(_STRING_RATIO * (len(data) - len(head)), _STRING_BYTES * tensor.MAX_STRINGS)


def _inputs(given: list[Object], outputs: int, binary: memoryview) -> dict[str, Array]:
    """Returns the inputs by name. `outputs` is the number of requested outputs."""
    count = len(given) + outputs
    if count > MAX_NAMES:
        raise InvalidArgument(f"Expected at most {MAX_NAMES} inputs and outputs. Received: {count}")
    arrays: dict[str, Array] = {}
    budget, at = tensor.FillBudget(), 0
    for each in given:
        shape = _member(each, "shape", list)
        if not all(type(size) is int for size in shape):
            raise InvalidArgument("Expected integers in the shape of an input.")
        header = Header.of(_member(each, "name", str), _member(each, "datatype", str), shape)
        if header.name in arrays:
            raise header.error("The request has this input twice.")
        size = _parameter(each, "binary_data_size", int, None)
        if size is None:
            arrays[header.name] = _from_json(header, each.find("data"), budget)
            continue
        if each.find("data") is not MISSING:
            raise header.error("Expected either data or binary_data_size. Received both.")
        if not 0 <= size <= len(binary) - at:
            raise header.error(f"Expected {size} bytes of binary data. Received: {len(binary) - at}")
        arrays[header.name] = from_raw(header, binary[at : at + size], budget)
        at += size
    if at != len(binary):
        raise InvalidArgument(f"Expected {at} bytes of binary data for all inputs. Received: {len(binary)}")
    return arrays


def _from_json(header: Header, data: Any, budget: tensor.FillBudget) -> Array:
    """Converts a list of values, or nested lists, in row-major order."""
    if data is MISSING:
        raise header.error("Expected the member data, or the parameter binary_data_size.")
    array = from_value(data, DATA_TYPES[_WIDE.get(header.datatype, header.datatype)])
    if array is None:
        raise header.error(f"Expected {header.datatype} values in a list, or in nested lists of equal length.")
    if header.datatype == "BYTES":
        budget.take_strings(array.size)
    if array.dtype != header.dtype:
        with np.errstate(over="ignore"):  # a number that is too large becomes infinity
            array = header.narrowed(array) if array.dtype.kind == "i" else array.astype(header.dtype)
    return header.shaped(array)


# === Members of JSON objects ===


def _member(of: Object, name: str, kind: type, default: Any = MISSING) -> Any:
    """Returns a member of a type. Raises InvalidArgument if it has another type, or is missing without a default."""
    value = of.find(name)
    if value is MISSING and default is not MISSING:
        return default
    if type(value) is not kind:
        raise InvalidArgument(f"Expected {_JSON_TYPES[kind]} for the member {name}.")
    return value


def _parameter(of: Object, name: str, kind: type, default: Any) -> Any:
    return _member(_member(of, "parameters", Object, Object()), name, kind, default)


def _objects(document: Object, name: str) -> list[Object]:
    """Returns a list of objects. An absent list of outputs is empty."""
    values = _member(document, name, list, [] if name == "outputs" else MISSING)
    if not all(type(each) is Object for each in values):
        raise InvalidArgument(f"Expected a list of objects for the member {name}.")
    return list(values)


# === Answers ===


def encode(request: Request, spec: ModelSpec, arrays: Mapping[str, Array]) -> tuple[bytes, int | None]:
    """Writes an answer.

    Args:
        request: says which outputs are binary.
        spec: the model that answered.
        arrays: the outputs by name.

    Returns:
        The body of the answer, and the number of its bytes that are JSON; None if all are.

    Raises InvalidArgument if the protocol has no data type for an output.
    """
    binary: list[Buffer] = []
    outputs = []
    for name, array in arrays.items():
        members = [
            b'"name":' + quoted(raw(name)),
            b'"datatype":"%b"' % data_type_of(name, array).encode(),
            b'"shape":%b' % orjson.dumps(array.shape),
        ]
        if request.outputs.get(name, request.all_binary):
            content = raw_bytes(array)
            binary.append(content)
            members.append(b'"parameters":{"binary_data_size":%d}' % len(content))
        else:
            members.append(b'"data":' + _data(array))
        outputs.append(b"{" + b",".join(members) + b"}")
    named = {"model_name": spec.name, "model_version": str(spec.version), **({"id": request.id} if request.id else {})}
    head = b"".join(b'"%b":%b,' % (key.encode(), quoted(raw(value))) for key, value in named.items())
    text = b'{%b"outputs":[%b]}' % (head, b",".join(outputs))
    parts: list[Any] = [text, *binary]
    return b"".join(parts), len(text) if binary else None


def _data(array: Array) -> bytes:
    """Writes all elements in one list. A string that is not UTF-8 becomes `{"b64": …}`."""
    flat = array.reshape(-1)
    if dtypes.of_array(array) is not dtypes.STRING:
        return numbers(flat)
    return b"[" + b",".join(_strings(flat)) + b"]"


def _strings(array: Array) -> Iterator[bytes]:
    for at in range(0, len(array), _STEP):
        yield orjson.dumps(list(map(_string, array[at : at + _STEP].tolist())))[1:-1]


def _string(value: Any) -> Any:
    content = tensor.as_bytes(value)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(content).decode()}
