"""REST predict bodies ↔ NumPy: the row form (`instances`), the columnar form (`inputs`) and the answers to both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidArgument, Unimplemented
from ..saved_model import SignatureDef, TensorSpec
from . import dtypes
from .json_values import dumps, first, leaf, loads, plain, strings, text_of

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Body:
    """A predict request as sent: the signature's name ("" if not said) and the values in one of two forms."""

    signature: str
    rows: bool
    values: Any


def parse(data: bytes) -> Body:
    """Reads a predict request's body.

    Raises:
        InvalidArgument: for bytes that are not JSON, or JSON that is not a predict request.
    """
    document = loads(data)
    if not isinstance(document, dict):
        raise InvalidArgument(f"JSON Value: {text_of(document)} Is not object")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise InvalidArgument(
            f"JSON Value: {text_of(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    if "instances" in document and "inputs" in document:
        raise InvalidArgument(
            f"JSON Value: {text_of(document)} Not formatted correctly expecting only one of "
            "'instances' or 'inputs' keys"
        )
    if "instances" in document:
        if not isinstance(document["instances"], list):
            raise InvalidArgument(f"JSON Value: {text_of(document)} Expecting 'instances' to be an list/array")
        return Body(signature, True, document["instances"])
    if "inputs" in document:
        return Body(signature, False, document["inputs"])
    raise InvalidArgument("Missing 'inputs' or 'instances' key")


def arrays(body: Body, definition: SignatureDef) -> dict[str, Array]:
    """The inputs of a signature, from either form.

    Raises:
        InvalidArgument: missing or unknown names, rows of different shapes, values of another type.
    """
    return _from_rows(body.values, definition.inputs) if body.rows else _from_columns(body.values, definition.inputs)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys() == {"b64"}


def _from_columns(values: Any, specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    if not _is_object(values):
        if len(specs) != 1:
            raise InvalidArgument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        return {name: _array(values, spec) for name, spec in specs.items()}
    for name in specs:
        if name not in values:
            raise InvalidArgument(f"Missing named input: {name} in 'inputs' object.")
    return {name: _array(values[name], spec) for name, spec in specs.items()}


def _from_rows(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    if not rows:
        raise InvalidArgument("'instances' is empty")
    named = _is_object(rows[0])
    if not named and len(specs) != 1:
        raise InvalidArgument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for i, row in enumerate(rows):
        if _is_object(row) != named:
            got = "object" if not named else "list" if isinstance(row, list) else "value"
            want = "object" if named else "value/list"
            raise InvalidArgument(f"Expecting {want} but got {got} at item {i} of input list")
    if not named:
        return {name: _stack(rows, spec, "") for name, spec in specs.items()}
    for i, row in enumerate(rows):
        for name in row:
            if name not in specs:
                raise InvalidArgument(
                    f"Failed to process element: {i} key: {name} of 'instances' list. Error: INVALID_ARGUMENT: "
                    f"JSON object: does not have named input: {name}"
                )
        if row.keys() != specs.keys():
            raise InvalidArgument(
                f"Failed to process element: {i} of 'instances' list. JSON object: {text_of(row)} "
                f"keys must be equal to: {','.join(sorted(specs))}"
            )
    return {name: _stack([row[name] for row in rows], spec, f" key: {name}") for name, spec in specs.items()}


def _stack(rows: list[Any], spec: TensorSpec, where: str) -> Array:
    """Rows as one array; where that fails, the error of the first row that is to blame."""
    try:
        return _array(rows, spec)
    except (InvalidArgument, Unimplemented):
        first: tuple[int, ...] | None = None
        for i, row in enumerate(rows):
            try:
                shape = _array(row, spec).shape
                if first is not None and len(shape) != len(first):
                    raise InvalidArgument(f"Expecting shape {_shape(first)} but got: {_shape(shape)}")
                if first is not None and shape != first:
                    sizes = int(np.prod(first)), int(np.prod(shape))
                    raise InvalidArgument(f"Expecting tensor size: {sizes[0]} but got: {sizes[1]}")
                first = shape
            except (InvalidArgument, Unimplemented) as error:
                raise InvalidArgument(
                    f"Failed to process element: {i}{where} of 'instances' list. Error: {error.code.name}: {error}"
                ) from None
        raise


def _shape(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


_CAST = {  # kind of the JSON values -> kinds of data type that take them
    "f": "f",
    "i": "fiu",
    "u": "fiu",
    "b": "b",
}


def _array(value: Any, spec: TensorSpec) -> Array:
    row = spec.dtype
    if row is dtypes.STRING:
        return strings(value)
    if row.name in ("half", "bfloat16", "uint16", "complex64", "complex128"):
        raise Unimplemented(f"Conversion of JSON Value: {text_of(first(value))} to type: {row.name}")
    try:
        array = np.array(value)
    except ValueError:
        raise InvalidArgument("Encountered lists of different sizes or depths in a tensor") from None
    if array.size == 0 and array.dtype.kind == "f":
        return array.astype(row.numpy)
    if row.numpy.kind not in _CAST.get(array.dtype.kind, ""):
        raise InvalidArgument(f"JSON Value: {leaf(value)} is not of expected type: {row.name}")
    if row.numpy.kind in "iu":
        # Of a small kind the low bits count, as in a message's int_val.
        limits = np.iinfo(row.numpy if row.numpy.itemsize >= 4 else np.int32)
        outside = array[(array < limits.min) | (array > limits.max)]
        if outside.size:
            raise InvalidArgument(f"JSON Value: {leaf(int(outside[0]))} is not of expected type: {row.name}")
    with np.errstate(over="ignore"):  # what is too large for a float is infinity
        return array.astype(row.numpy)


def encode(outputs: Mapping[str, Array], *, rows: bool) -> bytes:
    """The answer to a predict request, in the form of the request.

    Raises:
        InvalidArgument: outputs that share no batch dimension, to a request in rows.
    """
    if not rows:
        values: Any = {name: plain(name, array) for name, array in outputs.items()}
        return b'{\n    "outputs": ' + dumps(next(iter(values.values())) if len(values) == 1 else values) + b"\n}"
    batch: int | None = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise InvalidArgument(f"Tensor name: {name} has no shape information ")
        if batch is not None and len(array) != batch:
            raise InvalidArgument(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}")
        batch = len(array)
    columns = {name: plain(name, array) for name, array in outputs.items()}
    if len(columns) == 1:
        predictions: Any = next(iter(columns.values()))
    else:
        predictions = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return b'{\n    "predictions": ' + dumps(predictions)[:-1] + b"\n    ]\n}"
