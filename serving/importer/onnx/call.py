"""A node of an ONNX graph, as the functions that stand for its operator see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

Operator = Callable[..., Any]


class Unsupported(Exception):
    """Why a node can't be converted, in a few words."""


@dataclass(frozen=True)
class Call:
    """One node.

    Attributes:
        opset: the version of ONNX's operators that it is of.
        attributes: by name: numbers, texts, lists, NumPy arrays, graphs.
        outputs: how many outputs it has.
        run: runs a graph among its attributes on values for that graph's inputs.
    """

    opset: int
    attributes: Mapping[str, Any]
    outputs: int
    run: Callable[[Any, list[Any]], list[Any]]

    def get(self, name: str, default: Any) -> Any:
        return self.attributes.get(name, default)

    def refuse_unless(self, name: str, *values: Any) -> None:
        """Raises Unsupported where an attribute is there with another value."""
        if self.get(name, values[0]) not in values:
            raise Unsupported(f"{name}={self.attributes[name]}")

    def ints(self, name: str, value: Any) -> list[int] | None:
        """Whole numbers that newer versions take as an input, older ones as an attribute; None where there are none."""
        if value is None:
            found = self.get(name, None)
            return None if found is None else list(np.ravel(found).tolist())
        return [int(each) for each in self.static(value).ravel()]

    def static(self, value: Any) -> np.ndarray[Any, Any]:
        """The value of an input that must be known beforehand. Raises Unsupported where it is not."""
        found = value if isinstance(value, np.ndarray) else tf.get_static_value(value)
        if found is None:
            raise Unsupported("an input that depends on the data")
        return np.asarray(found)
