"""The inputs of a predict request, value by value: the checks are TensorFlow Serving's, in its order and its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InvalidArgument, Unimplemented
from .. import dtypes
from ..signature import TensorSpec
from ..tensor import MAX_RANK, string_array
from .base64 import decoded, is_base64
from .document import MISSING, Object, raw
from .writer import text_of, type_name

Array = np.ndarray[Any, Any]

_INT32 = -(1 << 31), (1 << 31) - 1
LIMITS = {  # of the values that JSON may have for a whole-number kind; of a small kind the low bits count
    "int8": _INT32,
    "int16": _INT32,
    "int32": _INT32,
    "uint8": _INT32,
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}
_TYPES: dict[str, set[type]] = {
    "float": {int, float},
    "double": {int, float},
    "bool": {bool},
    "string": {str},
    **{kind: {int} for kind in LIMITS},
}


class _Tensor:
    """The values of one input, item by item; each item has the shape of the first."""

    def __init__(self, name: str, spec: TensorSpec) -> None:
        self._name, self._dtype = name, spec.dtype
        self._values: list[Any] = []
        self._size = 0
        self._shape: list[int] | None = None

    def add(self, item: Any) -> None:
        """Adds a value or nested lists of values. Raises InvalidArgument or Unimplemented for what does not fit."""
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
        """All of it, with a first dimension of size `batch` if that is given."""
        shape = ([] if batch is None else [batch]) + (self._shape or [])
        if len(shape) > MAX_RANK:
            raise InvalidArgument(f"tensor parsing error: {self._name}")
        values = self._values[: self._size * (1 if batch is None else batch)]
        if self._dtype is dtypes.STRING:
            return string_array([raw(each) if isinstance(each, str) else each for each in values]).reshape(shape)
        return cast(np.array(values, wide(self._dtype)), self._dtype).reshape(shape)

    def _fill(self, value: Any, level: int, shape: list[int]) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise InvalidArgument(
                    f"JSON Value: {text_of(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            self._values.append(_leaf(value, self._dtype.name))
            return
        if level >= len(shape):
            raise InvalidArgument(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise InvalidArgument(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
            )
        if level + 1 == len(shape) and _all_fit(value, self._dtype.name):
            self._values += value
            return
        for each in value:
            self._fill(each, level + 1, shape)


def _shape(item: Any) -> list[int]:
    """The sizes along the first elements of nested lists."""
    shape = []
    while isinstance(item, list):
        shape.append(len(item))
        item = item[0] if item else None
    if len(shape) > MAX_RANK:
        raise InvalidArgument(f"Expected lists of at most {MAX_RANK} levels. Received: {len(shape)}")
    return shape


def _listed(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _all_fit(values: list[Any], kind: str) -> bool:
    """Whether `_leaf` would give each of the values back as it is."""
    if not values or not set(map(type, values)) <= _TYPES.get(kind, set()):
        return False
    least, most = LIMITS.get(kind, (None, None))
    return least is None or (least <= min(values) and max(values) <= most)


def _leaf(value: Any, kind: str) -> Any:
    if isinstance(value, Object):
        if kind == "string":
            return decoded(value)
    elif kind not in _TYPES:
        raise Unimplemented(f"Conversion of JSON Value: {text_of(value)} to type: {kind}")
    elif _all_fit([value], kind):
        return value
    raise InvalidArgument(f"JSON Value: {text_of(value)} Type: {type_name(value)} is not of expected type: {kind}")


def wide(dtype: dtypes.DataType) -> Any:
    """The NumPy dtype that holds all that JSON may have for a numeric kind."""
    if dtype.numpy.kind == "f":
        return np.float64
    return dtype.numpy if dtype.numpy.itemsize == 8 or dtype.numpy.kind == "b" else np.int64


def cast(array: Array, dtype: dtypes.DataType) -> Array:
    """Values as the model takes them: what is too large for a float is infinity, whole numbers keep the low bits."""
    with np.errstate(over="ignore"):
        return array.astype(dtype.numpy)


# === Both forms ===


def _is_object(value: Any) -> bool:
    return isinstance(value, Object) and not is_base64(value)


def from_rows(rows: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Inputs from `instances`: each element a value for the only input, or an object with a value for each input."""
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
    """Inputs from `inputs`: the values of the only input, or an object with the values of each."""
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
        tensor = _Tensor(name, specs[name])
        tensor.add(column)
        arrays[name] = tensor.array()
    return arrays
