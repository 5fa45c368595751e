"""Builds the operations of `keras.ops` that replace a call of a TensorFlow function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .graph import Tensor, tensors


class Unsupported(Exception):
    """Keras 3 has no equivalent of a call. The text describes the call, such as "tf.math.cumprod with exclusive"."""


@dataclass(frozen=True)
class Raw:
    """An argument in Keras 3's format, which `Steps.add` does not convert."""

    value: Any


@dataclass
class Step:
    """An operation: its configuration in Keras 3's format, and the arguments of its call."""

    config: dict[str, Any]
    args: list[Any]


class Steps:
    """Operations that run one after another. The last one has the name of the replaced layer.

    Args:
        name: name of the replaced layer.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[Step] = []

    def add(self, class_name: str, *args: Any, module: str = "numpy", **options: Any) -> Tensor:
        """Adds an operation, and returns its output.

        Args:
            class_name: class of the operation.
            args: arguments of the call: tensors, numbers, or nested lists of both.
            module: module of the class in `keras.src.ops`, or "keras.layers".
            options: options of the operation.
        """
        name = f"{self.name}_step{len(self.steps) + 1}"
        config = {
            "module": module if "." in module else f"keras.src.ops.{module}",
            "class_name": class_name,
            "config": {"name": name, **options},
            "registered_name": class_name,
        }
        self.steps.append(Step(config, [_argument(each) for each in args]))
        return Tensor(name, 0, 0)

    def finish(self) -> list[Step]:
        """Returns the operations. The last one gets the name of the replaced layer."""
        self.steps[-1].config["config"]["name"] = self.name
        return self.steps


class Arguments:
    """The keyword arguments of a call of a TensorFlow function.

    Args:
        function: name of the function, for error messages.
        values: the arguments.
    """

    def __init__(self, function: str, values: Mapping[str, Any]) -> None:
        self._function = f"tf.{function}"
        self._values = {key: value for key, value in values.items() if key != "name" and value is not None}

    def tensor(self, key: str) -> Any:
        """Returns a required argument, which can be a tensor. Removes it."""
        if key not in self._values:
            raise self.unsupported(f"without {key}")
        return self._values.pop(key)

    def constant(self, key: str, default: Any = None) -> Any:
        """Returns an argument, which must be a constant. Removes it."""
        value = self._values.pop(key, default)
        if list(tensors(value)):
            raise self.unsupported(f"with a tensor as {key}")
        return value

    def required(self, key: str) -> Any:
        """Returns a required argument, which must be a constant. Removes it."""
        self._values.setdefault(key, self.tensor(key))
        return self.constant(key)

    def expect(self, key: str, *values: Any) -> None:
        """Raises Unsupported if there is an argument with another value. Removes the argument."""
        if key in self._values and (value := self._values.pop(key)) not in values:
            raise self.unsupported(f"with {key}={value!r:.100}")

    def finish(self) -> None:
        """Raises Unsupported if an argument was not used."""
        for key in self._values:
            raise self.unsupported(f"with {key}")

    def unsupported(self, what: str) -> Unsupported:
        return Unsupported(f"{self._function} {what}".strip())


def _argument(value: Any) -> Any:
    """Converts a list of numbers to an array in Keras 3's format."""
    if isinstance(value, Raw):
        return value.value
    if not isinstance(value, list):
        return value
    if list(tensors(value)):
        return [_argument(each) for each in value]
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": _dtype(value)}}


def _dtype(value: Any) -> str:
    """Returns the type of an array. Keras 2 does not save it. TensorFlow reads numbers as 32-bit."""
    while isinstance(value, list):
        value = next((each for each in _flat(value) if isinstance(each, float)), next(_flat(value), 0.0))
    if isinstance(value, str):
        raise Unsupported("a function of strings")
    return "bool" if isinstance(value, bool) else "int32" if isinstance(value, int) else "float32"


def _flat(value: Any) -> Any:
    for each in value:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each
