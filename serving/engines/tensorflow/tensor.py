"""Converts between tensors of TensorFlow's C library, bytes and NumPy arrays, without needless copies."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...wire import dtypes
from .library import STRING, STRING_BYTES, Deallocator, library

_view = ctypes.pythonapi.PyMemoryView_FromMemory
_view.restype, _view.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
_WRITABLE = 0x200


class Tensor:
    """A tensor of the C library. The tensor is freed when this object is deleted."""

    __slots__ = ("pointer",)

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer

    def __del__(self) -> None:
        library().DeleteTensor(self.pointer)

    @property
    def dtype(self) -> int:
        """The number of the tensor's dtype."""
        return int(library().TensorType(self.pointer))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(library().Dim(self.pointer, at) for at in range(library().NumDims(self.pointer)))

    @property
    def memory(self) -> memoryview:
        """The tensor's bytes, to read or write while this object exists. Use `strings` for a tensor of strings."""
        size = library().TensorByteSize(self.pointer)
        if not size:
            return memoryview(b"")
        return _view(library().TensorData(self.pointer), size, _WRITABLE)  # type: ignore[no-any-return]

    def strings(self) -> list[bytes]:
        """The elements of a tensor of strings, in row-major order."""
        tf, strings = library(), []
        first = tf.TensorData(self.pointer)
        for at in range(first or 0, (first or 0) + tf.TensorByteSize(self.pointer), STRING_BYTES):
            strings.append(ctypes.string_at(tf.StringGetDataPointer(at), tf.StringGetSize(at)))
        return strings


def empty(dtype: int, shape: Sequence[int], size: int) -> Tensor:
    """Returns an uninitialised tensor of `size` bytes. Raises MemoryError if there is not enough memory."""
    pointer = library().AllocateTensor(dtype, (ctypes.c_int64 * len(shape))(*shape), len(shape), size)
    if not pointer:
        raise MemoryError(f"Not enough memory for a tensor of {size} bytes")
    return Tensor(pointer)


_alive: dict[int, Any] = {}  # the memory of string tensors, until TensorFlow frees it


@Deallocator
def _free_strings(data: int, size: int, _: int | None) -> None:
    for at in range(data, data + size, STRING_BYTES):
        library().StringDealloc(at)
    del _alive[data]


def from_strings(shape: Sequence[int], strings: Iterable[bytes]) -> Tensor:
    """Returns a tensor of the given strings, which are in row-major order."""
    size = math.prod(shape) * STRING_BYTES
    memory = ctypes.create_string_buffer(max(size, 1))  # zeros: empty strings
    address = ctypes.addressof(memory)
    _alive[address] = memory
    copy = library().StringCopy
    for at, value in enumerate(strings):
        copy(address + at * STRING_BYTES, value, len(value))
    sizes = (ctypes.c_int64 * len(shape))(*shape)
    return Tensor(library().NewTensor(STRING, sizes, len(shape), address, size, _free_strings, None))


def from_array(array: np.ndarray[Any, Any]) -> Tensor:
    """Returns a tensor with the values of an array. An array of strings has dtype object and elements of type bytes."""
    row = dtypes.of_array(array)
    if row is dtypes.STRING:
        return from_strings(array.shape, array.ravel().tolist())
    tensor = empty(row.number, array.shape, array.nbytes)
    if array.size:
        np.frombuffer(tensor.memory, row.numpy).reshape(array.shape)[...] = array
    return tensor


def to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Returns a copy of a tensor's values. Strings become an array of dtype object with elements of type bytes."""
    row = dtypes.BY_NUMBER[tensor.dtype]
    if row is dtypes.STRING:
        array = np.empty(math.prod(tensor.shape), object)
        array[:] = tensor.strings()
        return array.reshape(tensor.shape)
    return np.frombuffer(bytes(tensor.memory), row.numpy).reshape(tensor.shape)
