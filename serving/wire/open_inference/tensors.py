"""The tensors of the Open Inference Protocol: names of data types, and raw bytes.

Source: https://github.com/kserve/open-inference-protocol, and for the raw bytes of strings, the binary data extension
of Triton Inference Server.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InvalidArgument
from .. import dtypes, tensor
from ..signature import TensorSpec

Array = np.ndarray[Any, Any]
Buffer = bytes | memoryview | Array

MAX_NAMES = 10_000  # inputs and outputs of a request

DATA_TYPES = {  # the name in the protocol → the data type
    name: next(row for row in dtypes.DATA_TYPES if row.name == dtype)
    for name, dtype in {
        "BOOL": "bool",
        "UINT8": "uint8",
        "UINT16": "uint16",
        "UINT32": "uint32",
        "UINT64": "uint64",
        "INT8": "int8",
        "INT16": "int16",
        "INT32": "int32",
        "INT64": "int64",
        "FP16": "half",
        "BF16": "bfloat16",
        "FP32": "float",
        "FP64": "double",
        "BYTES": "string",
    }.items()
}
_NAMES = {row: name for name, row in DATA_TYPES.items()}
_LENGTH = struct.Struct("<I")  # before each string in raw bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The description of an input in a request.

    Attributes:
        name: the name of the input.
        datatype: the data type's name in the protocol, such as "FP32".
        shape: the size of each dimension.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, name: str, datatype: str, shape: Sequence[int]) -> Header:
        """Returns a header. Raises InvalidArgument for an unknown data type or an impossible shape."""
        header = cls(name, datatype, tuple(shape))
        if datatype not in DATA_TYPES:
            raise header.error(f"Expected a datatype of {', '.join(DATA_TYPES)}. Received: {datatype!r:.80}")
        try:
            tensor.check_shape(shape)
        except tensor.TensorError as error:
            raise header.error(str(error)) from None
        return header

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype, `object` for strings."""
        return DATA_TYPES[self.datatype].numpy

    @property
    def count(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def error(self, problem: str) -> InvalidArgument:
        return InvalidArgument(f"Input {self.name!r:.200}: {problem}")

    def shaped(self, values: Array) -> Array:
        """Returns the values of the input with its shape. Raises InvalidArgument for another number of values."""
        if values.size != self.count:
            raise self.error(f"Expected {self.count} values for shape {list(self.shape)}. Received: {values.size}")
        return values.reshape(self.shape)

    def narrowed(self, values: Array) -> Array:
        """Converts integers to the dtype of the input. Raises InvalidArgument for an integer that is out of range."""
        least, most = np.iinfo(self.dtype).min, np.iinfo(self.dtype).max
        if values.size and not (least <= values.min() and values.max() <= most):
            raise self.error(f"Expected {self.datatype} values from {least} to {most}.")
        return values.astype(self.dtype)


def data_type(spec: TensorSpec) -> str:
    """Returns the name of a data type in the metadata. Complex types, which the protocol lacks, are "COMPLEX…"."""
    return _NAMES.get(spec.dtype) or spec.dtype.enum.removeprefix("DT_")


def data_type_of(name: str, array: Array) -> str:
    """Returns the data type of an output. Raises InvalidArgument if the protocol has no name for it."""
    row = dtypes.of_array(array)
    if row not in _NAMES:
        raise InvalidArgument(f"Output {name!r}: the Open Inference Protocol has no data type for {row.name}.")
    return _NAMES[row]


def from_raw(header: Header, data: memoryview, budget: tensor.FillBudget) -> Array:
    """Converts raw bytes to an array, which shares their memory except for strings and booleans.

    Args:
        header: the description of the input.
        data: the elements in row-major order and little-endian. Each string begins with its length, four bytes.
        budget: the limit for the strings of the whole request.

    Raises:
        InvalidArgument: the number of bytes does not fit the shape and the data type.
        ResourceExhausted: the request has too many strings.
    """
    if header.datatype == "BYTES":
        return header.shaped(_strings(header, data, budget))
    size = header.count * header.dtype.itemsize
    if len(data) != size:
        raise header.error(
            f"Expected {size} bytes for {header.datatype} and shape {list(header.shape)}. Received: {len(data)}"
        )
    if header.datatype == "BOOL":
        return np.frombuffer(data, np.uint8).reshape(header.shape).astype(bool)
    return np.frombuffer(data, header.dtype).reshape(header.shape)


def _strings(header: Header, data: memoryview, budget: tensor.FillBudget) -> Array:
    if header.count * _LENGTH.size > len(data):
        raise header.error(f"Expected {header.count} strings. Received: {len(data)} bytes")
    budget.take_strings(header.count)
    strings, at = [], 0
    for _ in range(header.count):
        end = at + _LENGTH.size
        if end > len(data):
            break
        at = end + _LENGTH.unpack_from(data, at)[0]
        strings.append(bytes(data[end:at]))
    if at != len(data) or len(strings) != header.count:
        raise header.error(f"Expected {header.count} strings, each after its length as four bytes, and nothing else.")
    return tensor.string_array(strings)


def raw_bytes(array: Array) -> Buffer:
    """Returns the raw bytes of an output."""
    if array.dtype.kind in "OSUT":
        return b"".join(_with_lengths(map(tensor.as_bytes, array.ravel().tolist())))
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _with_lengths(strings: Iterable[bytes]) -> Iterable[bytes]:
    for each in strings:
        yield _LENGTH.pack(len(each))
        yield each
