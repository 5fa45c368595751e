"""A table of TensorFlow's data types and their NumPy dtypes."""

from __future__ import annotations

from typing import Any, NamedTuple

import ml_dtypes
import numpy as np


class DataType(NamedTuple):
    """A data type of TensorFlow.

    Attributes:
        number: the value of `tensorflow.DataType`, as in `TensorProto.dtype`.
        name: the name in error messages, such as "float".
        numpy: the NumPy dtype. It is `object` for strings, whose arrays hold `bytes`.
        field: the `TensorProto` field that holds a list of values, such as "float_val".
        enum: the name in the enum `tensorflow.DataType`, such as "DT_FLOAT".
    """

    number: int
    name: str
    numpy: np.dtype[Any]
    field: str
    enum: str


_ROWS = (
    (1, "float", np.float32, "float_val", "DT_FLOAT"),
    (2, "double", np.float64, "double_val", "DT_DOUBLE"),
    (3, "int32", np.int32, "int_val", "DT_INT32"),
    (4, "uint8", np.uint8, "int_val", "DT_UINT8"),
    (5, "int16", np.int16, "int_val", "DT_INT16"),
    (6, "int8", np.int8, "int_val", "DT_INT8"),
    (7, "string", np.object_, "string_val", "DT_STRING"),
    (8, "complex64", np.complex64, "scomplex_val", "DT_COMPLEX64"),
    (9, "int64", np.int64, "int64_val", "DT_INT64"),
    (10, "bool", np.bool_, "bool_val", "DT_BOOL"),
    (14, "bfloat16", ml_dtypes.bfloat16, "half_val", "DT_BFLOAT16"),
    (17, "uint16", np.uint16, "int_val", "DT_UINT16"),
    (18, "complex128", np.complex128, "dcomplex_val", "DT_COMPLEX128"),
    (19, "half", np.float16, "half_val", "DT_HALF"),
    (22, "uint32", np.uint32, "uint32_val", "DT_UINT32"),
    (23, "uint64", np.uint64, "uint64_val", "DT_UINT64"),
)
DATA_TYPES = tuple(DataType(n, name, np.dtype(dtype), field, enum) for n, name, dtype, field, enum in _ROWS)
BY_NUMBER = {row.number: row for row in DATA_TYPES}
BY_NUMPY = {row.numpy: row for row in DATA_TYPES}
STRING = BY_NUMBER[7]


def of_array(array: np.ndarray[Any, Any]) -> DataType:
    """Returns the data type of an array. NumPy's string dtypes are `STRING`. Raises TypeError for an unknown dtype."""
    if array.dtype.kind in "SUT":
        return STRING
    row = BY_NUMPY.get(array.dtype.newbyteorder("="))
    if row is None:
        known = ", ".join(row.numpy.name for row in DATA_TYPES)
        raise TypeError(f"Unsupported dtype: {array.dtype}. Use one of {known}.")
    return row
