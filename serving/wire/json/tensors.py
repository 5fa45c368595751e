"""Converts the `instances` or `inputs` of a predict request to arrays.

`lists` converts all values of an input at once. If that fails, this module checks the values one by one, in the same
order and with the same error messages as TensorFlow Serving.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InvalidArgument, Unimplemented
from ..signature import TensorSpec
from ..tensor import MAX_RANK
from .base64 import decoded, is_base64
from .document import MISSING, Object
from .lists import LIMITS, from_list, from_value
from .steps import types_of
from .writer import text_of, type_name

Array = np.ndarray[Any, Any]

_TYPES: dict[str, set[type]] = {
    "float": {int, float},
    "double": {int, float},
    "bool": {bool},
    "string": {str, Object},
    **{name: {int} for name in LIMITS},
}


class _Tensor:
    """Collects the values of an input. Every item must have the shape of the first item."""

    def __init__(self, name: str, spec: TensorSpec) -> None:
        self._name, self._dtype = name, spec.dtype
        self._values: list[Any] = []
        self._size = 0
        self._shape: list[int] | None = None

    def add(self, item: Any) -> None:
        """Adds a value or nested lists of values. Raises InvalidArgument or Unimplemented if a value does not fit."""
        shape = _shape(item)
        before = len(self._values)
        self._fill(item, 0, shape)
        size = len(self._values) - before
        if self._shape is None:
            self._size, self._shape = size, shape
        elif size != self._size:
            raise InvalidArgument(f"Expecting tensor size: {self._size} but got: {size}")
        elif shape != self._shape:
            raise InvalidArgument(f"Expecting shape {_listed(self._shape)} but got: {_listed(shape)}")

    def array(self, batch: int | None = None) -> Array:
        """Returns the values as an array.

        If `batch` is given, the array has an additional first dimension of size `batch`. Values beyond `batch` items
        are dropped. There are such values if a row repeats a name.
        """
        shape = ([] if batch is None else [batch]) + (self._shape or [])
        if len(shape) > MAX_RANK:
            raise InvalidArgument(f"tensor parsing error: {self._name}")
        values = self._values[: self._size * (1 if batch is None else batch)]
        array = from_list(values, shape, self._dtype)
        assert array is not None  # each value was checked
        return array

    def _fill(self, value: Any, level: int, shape: list[int]) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise InvalidArgument(
                    f"JSON Value: {text_of(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            _check(value, self._dtype.name)
            self._values.append(value)
            return
        if level >= len(shape):
            raise InvalidArgument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise InvalidArgument(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
            )
        for each in value:
            self._fill(each, level + 1, shape)


def _shape(item: Any) -> list[int]:
    """Returns the lengths of nested lists, measured on the first element of each list."""
    shape = []
    while isinstance(item, list):
        shape.append(len(item))
        item = item[0] if item else None
    if len(shape) > MAX_RANK:
        raise InvalidArgument(f"Expected at most {MAX_RANK} levels of nested lists. Received: {len(shape)}")
    return shape


def _listed(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _check(value: Any, dtype: str) -> None:
    """Raises InvalidArgument or Unimplemented if a value does not fit the data type with the name `dtype`."""
    if dtype not in _TYPES and not isinstance(value, Object):
        raise Unimplemented(f"Conversion of JSON Value: {text_of(value)} to type: {dtype}")
    if type(value) in _TYPES.get(dtype, ()):
        if isinstance(value, Object):
            decoded(value)
        least, most = LIMITS.get(dtype, (None, None))
        if least is None or least <= value <= most:
            return
    raise InvalidArgument(f"JSON Value: {text_of(value)} Type: {type_name(value)} is not of expected type: {dtype}")


# === Row form and columnar form ===


def _is_object(value: Any) -> bool:
    return isinstance(value, Object) and not is_base64(value)


def from_rows(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Converts `instances`. Each row is a value of the only input, or an object with a value for each input."""
    columns = _columns(rows, specs)
    arrays = {name: from_value(values, specs[name].dtype) for name, values in columns.items()}
    converted = {name: array for name, array in arrays.items() if array is not None and array.ndim <= MAX_RANK}
    return converted if len(converted) == len(specs) else _row_by_row(rows, specs)


def _columns(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, list[Any]]:
    """Returns the values of each input. Returns {} if the names in a row are not exactly the names of the inputs."""
    if not any(map(_is_object, rows)):
        return dict.fromkeys(specs, rows) if len(specs) == 1 else {}
    if types_of(rows) != {Object} or {len(row.members) for row in rows} != {len(specs)}:
        return {}
    named = [dict(row.members) for row in rows]
    if any(row.keys() != specs.keys() for row in named):
        return {}
    return {name: [row[name] for row in named] for name in specs}


def _row_by_row(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Converts `instances` one row at a time. Raises the error of the first wrong row."""
    if not isinstance(rows[0], Object) and len(specs) > 1:
        raise InvalidArgument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = _is_object(rows[0])
    only = next(iter(specs))
    tensors = {name: _Tensor(name, spec) for name, spec in specs.items()}
    for position, row in enumerate(rows):
        if _is_object(row) != named:
            got = "object but got list" if named else "value/list but got object"
            raise InvalidArgument(f"Expecting {got} at item {position} of input list")
        if not named:
            _add(tensors, only, row, f"{position}")
            continue
        for name, value in row.members:
            _add(tensors, name, value, f"{position} key: {name}")
        if {name for name, _ in row.members} != specs.keys():
            raise InvalidArgument(
                f"Failed to process element: {position} of 'instances' list. JSON object: {text_of(row)} keys must be "
                f"equal to: {','.join(sorted(specs))}"
            )
    used = tensors if named else {only: tensors[only]}
    return {name: tensor.array(len(rows)) for name, tensor in used.items()}


def _add(tensors: Mapping[str, _Tensor], name: str, value: Any, where: str) -> None:
    try:
        if name not in tensors:
            raise InvalidArgument(f"JSON object: does not have named input: {name}")
        tensors[name].add(value)
    except (InvalidArgument, Unimplemented) as error:
        raise InvalidArgument(
            f"Failed to process element: {where} of 'instances' list. Error: {error.code.name}: {error}"
        ) from None


def from_columns(values: Any, specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Converts `inputs`. Its content is the values of the only input, or an object with the values of each input."""
    if _is_object(values):
        columns = {name: values.find(name) for name in sorted(specs)}
    elif len(specs) > 1:
        raise InvalidArgument(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    else:
        columns = dict.fromkeys(specs, values)
    arrays = {}
    for name, column in columns.items():
        if column is MISSING:
            raise InvalidArgument(f"Missing named input: {name} in 'inputs' object.")
        array = from_value(column, specs[name].dtype)
        if array is None:
            tensor = _Tensor(name, specs[name])
            tensor.add(column)
            array = tensor.array()
        arrays[name] = array
    return arrays
