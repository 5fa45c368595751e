"""Tensors of TensorFlow's C library ↔ bytes and NumPy arrays, without a copy where there need be none."""

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
    """A tensor that is given back when the last reference to this object goes."""

    __slots__ = ("pointer",)

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer

    def __del__(self) -> None:
        library().DeleteTensor(self.pointer)

    @property
    def dtype(self) -> int:
        """The number of its dtype."""
        return int(library().TensorType(self.pointer))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(library().Dim(self.pointer, at) for at in range(library().NumDims(self.pointer)))

    @property
    def memory(self) -> memoryview:
        """Its bytes, to be read or written while the object lives; not for strings."""
        size = library().TensorByteSize(self.pointer)
        if not size:
            return memoryview(b"")
        return _view(library().TensorData(self.pointer), size, _WRITABLE)  # type: ignore[no-any-return]

    def strings(self) -> list[bytes]:
        """The elements of a tensor of strings, in row-major order."""
        data, found = library(), []
        first = data.TensorData(self.pointer)
        for at in range(first or 0, (first or 0) + data.TensorByteSize(self.pointer), STRING_BYTES):
            found.append(ctypes.string_at(data.StringGetDataPointer(at), data.StringGetSize(at)))
        return found


def empty(dtype: int, shape: Sequence[int], size: int) -> Tensor:
    """A tensor of `size` bytes that are still to be written. MemoryError where there are not so many."""
    pointer = library().AllocateTensor(dtype, (ctypes.c_int64 * len(shape))(*shape), len(shape), size)
    if not pointer:
        raise MemoryError(f"Expected memory for a tensor. Received: {size} bytes asked for")
    return Tensor(pointer)


_alive: dict[int, Any] = {}  # the memory of string tensors, until TensorFlow has no more use for it


@Deallocator
def _free_strings(data: int, size: int, _: int | None) -> None:
    for at in range(data, data + size, STRING_BYTES):
        library().StringDealloc(at)
    del _alive[data]


def from_strings(shape: Sequence[int], strings: Iterable[bytes]) -> Tensor:
    """A tensor of strings."""
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
    """A tensor with the values of an array; strings are object arrays of bytes."""
    row = dtypes.of_array(array)
    if row is dtypes.STRING:
        return from_strings(array.shape, array.ravel().tolist())
    made = empty(row.number, array.shape, array.nbytes)
    if array.size:
        np.frombuffer(made.memory, row.numpy).reshape(array.shape)[...] = array
    return made


def to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The values of a tensor in an array of their own."""
    row = dtypes.BY_NUMBER[tensor.dtype]
    if row is dtypes.STRING:
        array = np.empty(math.prod(tensor.shape), object)
        array[:] = tensor.strings()
        return array.reshape(tensor.shape)
    return np.frombuffer(bytes(tensor.memory), row.numpy).reshape(tensor.shape)
