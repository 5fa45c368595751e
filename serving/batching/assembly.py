"""Joins the inputs of several requests along dimension 0, and cuts the outputs back into rows for each request.

The error messages are TensorFlow Serving's.
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
    """Returns the size of dimension 0.

    Raises InvalidArgument if there is no array, an array is a scalar, or the sizes differ.
    """
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
    """Returns the batch key of a request. Requests with equal batch keys can be joined.

    The batch key consists of the names, dtypes and inner dimensions of the arrays. With `pad`, the batch key has the
    ranks of the arrays instead of the inner dimensions, so requests with equal batch keys can differ in their inner
    dimensions.
    """
    return tuple([(name, array.dtype, array.ndim if pad else array.shape[1:]) for name, array in arrays.items()])


def round_up(rows: int, allowed: Sequence[int]) -> int:
    """Returns the smallest size in `allowed` (increasing) that is at least `rows`; `rows` if all sizes are smaller."""
    at = bisect.bisect_left(allowed, rows)
    return allowed[at] if at < len(allowed) else rows


def padding_bytes(parts: Sequence[Arrays], size: int) -> int:
    """Returns how many bytes of padding `join` would add."""
    return sum(
        size * math.prod(_inner(arrays)) * arrays[0].itemsize - sum(array.nbytes for array in arrays)
        for arrays in _by_name(parts)
    )


def join(parts: Sequence[Arrays], size: int) -> Arrays:
    """Joins the arrays of several requests along dimension 0 and pads the result.

    Args:
        parts: the arrays of each request. All requests have the same batch key (`kind_of`).
        size: the number of rows in the result. Padding rows repeat the first row of the last request that is not
            empty, since this is a valid row for the model.

    Returns:
        arrays (size, …). If the requests differ in the size of an inner dimension, the result has the largest size.
        Smaller arrays are padded with their own first element, since this is a valid value for the model. Empty arrays
        are padded with zeros or empty strings.
    """
    return {name: _join(arrays, size) for name, arrays in zip(parts[0], _by_name(parts), strict=True)}


def cut(outputs: Arrays, names: Sequence[str], start: int, stop: int, size: int) -> Arrays:
    """Returns the rows `start` to `stop` of the named outputs, as views.

    Raises:
        FailedPrecondition: an output is a scalar, or does not have `size` rows. `size` is the size of the whole batch.
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
    """Splits the arrays along dimension 0. Returns a part for each number of rows in `sizes`, as views."""
    parts, start = [], 0
    for size in sizes:
        parts.append({name: array[start : start + size] for name, array in arrays.items()})
        start += size
    return parts


def _by_name(parts: Sequence[Arrays]) -> list[list[Array]]:
    return [[part[name] for part in parts] for name in parts[0]]


def _inner(arrays: Sequence[Array]) -> tuple[int, ...]:
    """Returns the largest size of each dimension except the first."""
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
