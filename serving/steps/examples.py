"""Reads tf.Examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from ...preparation.fields import Fields
from ..errors import InvalidArgument
from ..wire import messages
from .base import DTYPES, Array, Arrays, Graphs, Step

MAX_SHOWN = 100  # bytes of a damaged tf.Example in an error message
_KINDS = {"float_list": "float", "int64_list": "int64", "bytes_list": "string"}


@dataclass(frozen=True)
class Examples(Step):
    """Adds a feature of floats of serialized tf.Examples, as `tf.io.parse_example` reads it.

    As in protocol buffers, unknown fields are ignored, and every damaged tf.Example is refused. TensorFlow refuses some
    unknown fields, and reads a tf.Example that is cut in some places.

    Attributes:
        examples: the array of serialized tf.Examples (batch,).
        feature: name of the feature, and of the new array (batch, *shape).
        shape: shape of the feature in one tf.Example.
        dtype: of the new array.
    """

    kind = "examples 1"
    examples: str
    feature: str
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def read(cls, content: Fields) -> Examples:
        shape = tuple(content.integers("shape", least=1))
        return cls(content.string("examples"), content.string("feature"), shape, content.choice("dtype", DTYPES))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        size = math.prod(self.shape)
        # Each row takes at least as many bytes in the request, so that the request limits the memory.
        rows = [self._values(number, each, size) for number, each in enumerate(arrays[self.examples].tolist())]
        values = np.concatenate(rows, dtype=self.dtype) if rows else np.zeros(0, self.dtype)
        return {self.feature: values.reshape(len(rows), *self.shape)}

    def _values(self, number: int, serialized: bytes, size: int) -> Array:
        """Returns the values in a tf.Example, float32 (size,)."""
        try:
            feature = messages.Example.FromString(serialized).features.feature.get(self.feature)
        except DecodeError:
            shown = serialized[:MAX_SHOWN].decode(errors="replace")
            raise InvalidArgument(f"Could not parse example input, value: '{shown}'") from None
        kind: Any = feature and feature.WhichOneof("kind")
        if kind is None:
            raise InvalidArgument(
                f"Name: <unknown>, Feature: {self.feature} (data type: float) is required but could not be found."
            )
        if kind != "float_list":
            raise self._wrong(number, f"Data types don't match. Data type: {_KINDS[kind]} but expected type: float")
        values = np.array(feature.float_list.value, np.float32)
        if len(values) != size:
            shape = ",".join(map(str, self.shape))
            problem = f"Number of float values != expected.  Values size: {len(values)} but output shape: [{shape}]"
            raise self._wrong(number, problem)
        return values

    def _wrong(self, number: int, problem: str) -> InvalidArgument:
        return InvalidArgument(f"Name: <unknown>, Key: {self.feature}, Index: {number}.  {problem}")
