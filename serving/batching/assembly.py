"""Puts the inputs of several requests together along dimension 0 and takes the outputs apart: arrays in, arrays out.

The words of the errors are TensorFlow Serving's.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Hashable, Sequence

import numpy as np

from ..engines.base import Arrays
from ..errors import FailedPrecondition, InvalidArgument
from ..wire import dtypes
from ..wire.predict import Array


def rows_of(arrays: Arrays) -> int:
    """The size of dimension 0, which all `arrays` share. Raises InvalidArgument where they don't."""
    if not arrays:
        raise InvalidArgument("Batching Run() must have at least one input tensor")
    rows = -1
    for array in arrays.values():
        if not array.ndim:
            raise InvalidArgument("Batching Run() input tensors must have at least one dimension")
        if rows not in (-1, len(array)):
            raise InvalidArgument("Batching Run() input tensors must have equal 0th-dimension size")
        rows = len(array)
    return rows


def kind_of(arrays: Arrays, *, pad: bool) -> Hashable:
    """What must be equal for arrays to be joined: names, dtypes and inner sizes; only the ranks where `pad` is on."""
    return tuple([(name, array.dtype, array.ndim if pad else array.shape[1:]) for name, array in arrays.items()])


def round_up(rows: int, allowed: Sequence[int]) -> int:
    """The smallest of the increasing sizes `allowed` that holds `rows`; `rows` itself where none does."""
    at = bisect.bisect_left(allowed, rows)
    return allowed[at] if at < len(allowed) else rows


def padding_bytes(parts: Sequence[Arrays], size: int) -> int:
    """How many bytes `join` would fill with padding."""
    return sum(
        size * math.prod(_inner(arrays)) * arrays[0].itemsize - sum(array.nbytes for array in arrays)
        for arrays in _by_name(parts)
    )


def join(parts: Sequence[Arrays], size: int) -> Arrays:
    """Rows of all parts, one after the other.

    Args:
        parts: arrays of one kind.
        size: how many rows to make of them. Those that are missing repeat the first row of the last part that has any:
            a row that the model is sure to take.

    Returns:
        arrays (size, …). Where inner sizes differ, each is the largest; each part's ends are filled with its own first
        element, which the model is sure to take; with zeros, or empty strings, where it has none.
    """
    return {name: _join(arrays, size) for name, arrays in zip(parts[0], _by_name(parts), strict=True)}


def cut(outputs: Arrays, names: Sequence[str], start: int, stop: int, size: int) -> Arrays:
    """The rows `start` to `stop` of the named outputs of a batch of `size` rows, without copies.

    Raises:
        FailedPrecondition: one of them does not have `size` rows.
    """
    for name in names:
        if not outputs[name].ndim:
            raise FailedPrecondition("Batched output tensor has 0 dimensions")
        if len(outputs[name]) != size:
            raise FailedPrecondition(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes "
                "of the input tensors"
            )
    return {name: outputs[name][start:stop] for name in names}


def split(arrays: Arrays, sizes: Sequence[int]) -> list[Arrays]:
    """`arrays` in parts of so many rows, without copies."""
    parts, start = [], 0
    for size in sizes:
        parts.append({name: array[start : start + size] for name, array in arrays.items()})
        start += size
    return parts


def _by_name(parts: Sequence[Arrays]) -> list[list[Array]]:
    return [[part[name] for part in parts] for name in parts[0]]


def _inner(arrays: Sequence[Array]) -> tuple[int, ...]:
    """The largest size of each dimension but the first."""
    first, *others = [array.shape[1:] for array in arrays]
    return first if all(shape == first for shape in others) else tuple(map(max, zip(first, *others, strict=True)))


def _join(arrays: Sequence[Array], size: int) -> Array:
    inner = _inner(arrays)
    rows = sum(map(len, arrays))
    shape = (size, *inner)
    if all(array.shape[1:] == inner for array in arrays):
        joined: Array = np.empty(shape, arrays[0].dtype)
        np.concatenate(arrays, out=joined[:rows])
    else:
        joined = np.zeros(shape, arrays[0].dtype)
        start = 0
        for array in arrays:
            own = joined[start : start + len(array)]
            own[...] = array.flat[0] if array.size else b"" if array.dtype == dtypes.STRING.numpy else 0
            own[(slice(None), *map(slice, array.shape[1:]))] = array
            start += len(array)
    if size > rows:
        joined[rows:] = joined[rows - next(len(array) for array in reversed(arrays) if len(array))]
    return joined
