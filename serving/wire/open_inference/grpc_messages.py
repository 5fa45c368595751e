"""Reads ModelInferRequest and writes ModelInferResponse.

The raw contents of a request are not parsed with the protobuf library, which would copy them: the arrays share the
memory of the request. The rest of the message is parsed with the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from ...errors import InvalidArgument
from .. import merging, messages, tensor
from ..model_spec import ModelSpec
from .tensors import MAX_NAMES, Array, Header, data_type_of, from_raw, raw_bytes

_RAW_INPUT, _RAW_OUTPUT = 0x3A, 0x32  # tags: field 7 of a request, field 6 of an answer, both length-delimited
MAX_FIELDS = 256  # after these fields, the protobuf library parses the rest with its raw contents
INPUT_BYTES = 256  # an input takes as much time as so many bytes
_CONTENTS = {  # data type → the field of InferTensorContents; the protocol has no field for FP16 and BF16
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_WIDE = {"int_contents": np.int32, "uint_contents": np.uint32}


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts of a serialized request.

    Attributes:
        raw: the raw contents of the inputs, which share the memory of the request.
        rest: all other fields, serialized. If the request has very many fields, also the last raw contents.
    """

    raw: list[memoryview]
    rest: bytes


def split(data: bytes) -> Parts:
    """Separates the raw contents from the other fields of a request. Raises DecodeError for malformed bytes."""
    view = memoryview(data)
    found: list[memoryview] = []
    rest: list[memoryview] = []
    at = 0
    try:
        while at < len(data) and len(found) + len(rest) < MAX_FIELDS:
            begin = at
            tag, at = merging.varint(data, at)
            if tag & 7 == 2:
                length, at = merging.varint(data, at)
                begin, at = (at if tag == _RAW_INPUT else begin), at + length
            elif tag & 7 == 0:
                _, at = merging.varint(data, at)
            else:  # no field of the message, but a newer client may have more fields
                at += {1: 8, 5: 4}[tag & 7]
            if at > len(data):
                raise IndexError
            (found if tag == _RAW_INPUT else rest).append(view[begin:at])
    except (IndexError, KeyError):
        raise DecodeError("The message is malformed.") from None
    return Parts(found, b"".join([*rest, view[at:]]))


def parse(parts: Parts) -> Any:
    """Returns a ModelInferRequest, without the raw contents in `parts.raw`. Raises DecodeError for malformed bytes."""
    return merging.parse(messages.ModelInferRequest, parts.rest)


def raw_contents(message: Any, parts: Parts) -> list[memoryview]:
    """Returns the raw contents of all inputs."""
    return [*parts.raw, *[memoryview(each) for each in message.raw_input_contents]]


def cost(message: Any, parts: Parts) -> int:
    """Returns the number of bytes whose decoding takes time and memory: all but raw contents without strings."""
    contents = zip(message.inputs, raw_contents(message, parts), strict=False)
    strings = sum(len(data) for each, data in contents if each.datatype == "BYTES")
    return len(parts.rest) + strings + INPUT_BYTES * len(message.inputs)


def inputs(message: Any, parts: Parts) -> dict[str, Array]:
    """Returns the inputs of a request by name.

    Raises:
        InvalidArgument: an input does not fit its shape and data type, or has no values, or the same name as another.
        ResourceExhausted: the inputs have too many strings.
    """
    count = len(message.inputs) + len(message.outputs)
    if count > MAX_NAMES:
        raise InvalidArgument(f"Expected at most {MAX_NAMES} inputs and outputs. Received: {count}")
    raw = raw_contents(message, parts)
    if raw and len(raw) != len(message.inputs):
        raise InvalidArgument(
            f"Expected raw_input_contents for each of {len(message.inputs)} inputs. Received: {len(raw)}"
        )
    arrays: dict[str, Array] = {}
    budget = tensor.FillBudget()
    for at, each in enumerate(message.inputs):
        header = Header.of(each.name, each.datatype, each.shape)
        if header.name in arrays:
            raise header.error("The request has this input twice.")
        if not raw:
            arrays[header.name] = _from_contents(header, each.contents, budget)
        elif each.HasField("contents"):
            raise header.error("Expected either contents or raw_input_contents. Received both.")
        else:
            arrays[header.name] = from_raw(header, raw[at], budget)
    return arrays


def _from_contents(header: Header, contents: Any, budget: tensor.FillBudget) -> Array:
    field = _CONTENTS.get(header.datatype)
    if field is None:
        raise header.error(f"{header.datatype} needs raw_input_contents.")
    values = getattr(contents, field)
    if len(values) != header.count:
        raise header.error(
            f"Expected {header.count} values in {field} for shape {list(header.shape)}. Received: {len(values)}"
        )
    if field == "bytes_contents":
        budget.take_strings(len(values))
    array = tensor.flat(values, _WIDE.get(field, header.dtype))
    return header.shaped(header.narrowed(array) if array.dtype != header.dtype else array)


def spec_of(message: Any, spec: Callable[[str, str, str], ModelSpec]) -> ModelSpec:
    """Returns the model of a request. `spec` makes it from the model's name, its version and the signature."""
    parameter = message.parameters.get("signature_name")
    if parameter is not None and parameter.WhichOneof("parameter_choice") != "string_param":
        raise InvalidArgument("Expected a string for the parameter signature_name.")
    return spec(message.model_name, message.model_version, parameter.string_param if parameter is not None else "")


def encode_response(request: Any, parts: Parts, spec: ModelSpec, outputs: Mapping[str, Array]) -> bytes:
    """Serializes a ModelInferResponse.

    The outputs are raw, unless the request has inputs that are not raw. Outputs of FP16 or BF16 are always raw, and
    then so are all outputs.

    Args:
        request, parts: the request.
        spec: the model that answered.
        outputs: the outputs by name.

    Raises InvalidArgument if the protocol has no data type for an output.
    """
    message = messages.ModelInferResponse(model_name=spec.name, model_version=str(spec.version), id=request.id)
    types = {name: data_type_of(name, array) for name, array in outputs.items()}
    is_typed = request.inputs and not parts.raw and not request.raw_input_contents
    is_raw = not is_typed or not _CONTENTS.keys() >= set(types.values())
    contents: list[Any] = []
    for name, array in outputs.items():
        output = message.outputs.add(name=name, datatype=types[name], shape=array.shape)
        if is_raw:
            values = raw_bytes(array)
            contents += bytes((_RAW_OUTPUT,)) + tensor.varint(len(values)), values
        else:
            strings = array.dtype.kind in "OSUT"
            flat = list(map(tensor.as_bytes, array.ravel().tolist())) if strings else array.ravel()
            tensor.extend(getattr(output.contents, _CONTENTS[types[name]]), flat)
    return b"".join([message.SerializeToString(), *contents])
