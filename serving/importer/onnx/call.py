"""The call of an ONNX operator. Each function in the operator tables receives a `Call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

Operator = Callable[..., Any]


class Unsupported(Exception):
    """A node cannot be converted. The message is the reason."""


@dataclass(frozen=True)
class Call:
    """A node of an ONNX graph, without its inputs.

    Attributes:
        opset: version of the ONNX operator set.
        attributes: attributes by name: numbers, strings, lists, NumPy arrays, graphs.
        outputs: number of outputs.
        run: runs a graph that is an attribute of the node, on a list of inputs.
    """

    opset: int
    attributes: Mapping[str, Any]
    outputs: int
    run: Callable[[Any, list[Any]], list[Any]]

    def get(self, name: str, default: Any) -> Any:
        """Returns the value of an attribute, or `default` if it is missing."""
        return self.attributes.get(name, default)

    def refuse_unless(self, name: str, *values: Any) -> None:
        """Raises Unsupported if an attribute is present and has none of these values."""
        if self.get(name, values[0]) not in values:
            raise Unsupported(f"{name}={self.attributes[name]} is not supported")

    def ints(self, name: str, value: Any) -> list[int] | None:
        """Returns integers from an input (newer opsets) or from an attribute (older opsets). None if both are missing.

        Raises Unsupported if the input is not a constant.

        Args:
            name: name of the attribute.
            value: value of the input, or None.
        """
        if value is None:
            attribute = self.get(name, None)
            return None if attribute is None else list(np.ravel(attribute).tolist())
        return [int(each) for each in self.static(value).ravel()]

    def static(self, value: Any) -> np.ndarray[Any, Any]:
        """Returns the value of a constant input. Raises Unsupported if the input depends on the data."""
        constant = value if isinstance(value, np.ndarray) else tf.get_static_value(value)
        if constant is None:
            raise Unsupported("an input must be a constant, but depends on the data")
        return np.asarray(constant)
