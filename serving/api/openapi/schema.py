"""JSON schemas and examples of the tensors in REST requests and answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....preparation.notes import sentence
from ...wire import dtypes
from ...wire.signature import TensorSpec

Json = dict[str, Any]
B64: Json = {
    "type": "object",
    "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
    "required": ["b64"],
    "additionalProperties": False,
}
# The REST API does not read these data types.
UNREADABLE = {"half", "bfloat16", "uint16", "complex64", "complex128"}


def of_input(spec: TensorSpec, *, row: bool = False) -> Json:
    """Returns the schema of an input. If `row`, returns the schema of one row of the input."""
    text: Json = {"anyOf": [{"type": "string"}, B64]}
    schema = _nested(text if spec.dtype is dtypes.STRING else _number(spec.dtype), spec, row)
    return _described(schema, spec)


def of_output(name: str, spec: TensorSpec, *, row: bool = False) -> Json:
    """Returns the schema of an output. If `row`, returns the schema of one row of the output.

    Strings are in base64 if `name` ends with `_bytes`.
    """
    text: Json = B64 if name.endswith("_bytes") else {"type": "string"}
    return _described(_nested(text if spec.dtype is dtypes.STRING else _number(spec.dtype), spec, row), spec)


def _described(schema: Json, spec: TensorSpec) -> Json:
    """Adds what the signature says about the values."""
    about = sentence(spec.noted) if spec.noted else f"pixel values {spec.pixels}" if spec.pixels else ""
    return schema | {"description": about[:1].upper() + about[1:]} if about else schema


def _number(dtype: dtypes.DataType) -> Json:
    if dtype.numpy.kind == "b":
        return {"type": "boolean"}
    if dtype.numpy.kind in "iu":
        limits = np.iinfo(dtype.numpy)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    return {"type": "number", "format": "double" if dtype.name == "double" else "float"}


def _nested(leaf: Json, spec: TensorSpec, row: bool) -> Json:
    if spec.shape is None:
        return {"description": f"{spec.dtype.name}, nested lists of any depth"}
    schema = leaf
    for size in reversed(spec.shape[1:] if row else spec.shape):
        limits = {} if size < 0 else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema} | limits
    return schema


def has_batch(spec: TensorSpec) -> bool:
    """Returns whether the first dimension may have any size."""
    return spec.shape is None or len(spec.shape) > 0 and spec.shape[0] < 0


def example_shape(spec: TensorSpec, *, row: bool = False) -> tuple[int, ...]:
    """Returns a shape that the input accepts. If `row`, returns the shape of one row. Dimensions of any size are 1."""
    shape = spec.shape if spec.shape is not None else (1,)
    return tuple(1 if size < 0 else size for size in (shape[1:] if row else shape))


def example_value(dtype: dtypes.DataType) -> Any:
    """Returns a value of a data type."""
    return {"f": 0.0, "b": False, "O": "text", "c": 0.0}.get(dtype.numpy.kind, 0)


def example(spec: TensorSpec, *, row: bool = False) -> Any:
    """Returns nested lists that the input accepts. If `row`, returns one row."""
    value = example_value(spec.dtype)
    for size in reversed(example_shape(spec, row=row)):
        value = [value] * size
    return value


def example_code(spec: TensorSpec, *, row: bool = False) -> str:
    """Returns a Python expression for the result of `example`. The expression is short for any shape."""
    value = example_value(spec.dtype)
    code = f'"{value}"' if isinstance(value, str) else repr(value)
    for size in reversed(example_shape(spec, row=row)):
        code = f"[{code}]" if size == 1 else f"[{code}] * {size}"
    return code


def description(spec: TensorSpec) -> str:
    """Returns the data type and shape of an input or output, such as `float (?, 28, 28)`."""
    if spec.shape is None:
        return f"{spec.dtype.name} of any shape"
    about = f": {sentence(spec.noted)}" if spec.noted else f", pixel values {spec.pixels}" if spec.pixels else ""
    return f"{spec.dtype.name} ({', '.join('?' if size < 0 else str(size) for size in spec.shape)}){about}"
