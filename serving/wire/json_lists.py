"""Nested lists of numbers as arrays."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def to_array(values: Any, data: bytes, dtype: Any = None) -> Array:
    """As `np.array(values, dtype)`, but in less than half the time where the text holds no objects but the outer one.

    Args:
        values: numbers in lists, as orjson read them.
        data: the text that it read.
        dtype: the numbers' own by default.

    Raises:
        ValueError, TypeError: lists of different lengths or depths, an object.
    """
    if not isinstance(values, list) or data.count(b"{") > 1:
        return np.array(values, dtype)
    shape = [len(values)]
    while values and isinstance(values[0], list):
        lengths = set(map(len, values))  # TypeError for a number
        if len(lengths) > 1:
            raise ValueError("lists of different lengths")
        shape += lengths
        values = list(chain.from_iterable(values))
    flat = np.array(values) if dtype is None else np.fromiter(values, dtype, len(values))
    return flat.reshape(shape)
