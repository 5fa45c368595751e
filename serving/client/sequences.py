"""Recognizes sequences of strings or files, and pads sequences of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from .transports import Array


def are(values: Any, types: Any) -> bool:
    """Returns whether `values` is a sequence of one or more instances of the given types."""
    return isinstance(values, Sequence) and bool(values) and all(isinstance(each, types) for each in values)


def stacked(sequences: Sequence[Any]) -> tuple[Array, Array]:
    """Pads sequences (time, features) with zeros to one array. Returns the array and the sequences' lengths."""
    arrays = [np.asarray(each) for each in sequences]
    lengths = np.array([len(each) for each in arrays], np.int32)
    shapes = {each.shape[1:] for each in arrays}
    if len(shapes) > 1:
        raise InvalidArgument(f"The sequences differ in the shape of their steps: {sorted(shapes)}.")
    stacked = np.zeros((len(arrays), lengths.max(), *shapes.pop()), np.result_type(*arrays))
    for row, each in zip(stacked, arrays, strict=True):
        row[: len(each)] = each
    return stacked, lengths
