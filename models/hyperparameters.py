"""What a hyperparameter may be: read from a builder's signature, checked before a layer is made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from .errors import BadHyperparameter

Value: TypeAlias = int | float | bool | str | tuple[int, ...]


@dataclass(frozen=True)
class Range:
    """The smallest and the largest value, both allowed; of each element where the value is a tuple."""

    minimum: float
    maximum: float


# The types a builder's signature is made of, beside `bool` and `Literal["a", "b"]`.
Count = Annotated[int, Range(1, 65536)]
Counts = Annotated[tuple[int, ...], Range(1, 65536)]
Fraction = Annotated[float, Range(0.0, 1.0)]
Shape = Annotated[tuple[int, int, int], Range(1, 4096)]  # (height, width, channels)


@dataclass(frozen=True)
class Hyperparameter:
    """One keyword of a builder.

    Attributes:
        name: the keyword.
        type: `int`, `float`, `bool`, `str`, `tuple[int, ...]` or a tuple of fixed length.
        default: the builder's own value.
        choices: the only values allowed; empty where any will do.
        minimum: the smallest value (of each element of a tuple), or None.
        maximum: the largest value, or None.
        help: one sentence from the builder's docstring.
    """

    name: str
    type: Any
    default: Value
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    help: str = ""

    @classmethod
    def from_annotation(cls, name: str, annotation: Any, default: Value, help: str) -> Hyperparameter:
        """Reads `int`, `Annotated[int, Range(1, 9)]`, `Literal["a", "b"]`, … into a hyperparameter."""
        minimum = maximum = None
        if get_origin(annotation) is Annotated:
            annotation, allowed = get_args(annotation)
            minimum, maximum = allowed.minimum, allowed.maximum
        if get_origin(annotation) is Literal:
            return cls(name, str, default, choices=get_args(annotation), help=help)
        return cls(name, annotation, default, minimum=minimum, maximum=maximum, help=help)

    @property
    def expected(self) -> str:
        """What a value must be, in words: "an integer from 1 to 65536"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        bounds = "" if self.minimum is None else f" from {self.minimum:g} to {self.maximum:g}"
        words = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
        if self.type in words:
            return words[self.type] + bounds
        example = ",".join(map(str, self.default)) if isinstance(self.default, tuple) else ""
        return f"{self._length or 'some'} integers{bounds}, as in {example}"

    def parse(self, text: str) -> Value:
        """The value written as `text`: "32", "0.4", "true", "masking", "28,28,1".

        Raises:
            BadHyperparameter: `text` is no such value, or `check` refuses it.
        """
        value: object = text
        try:
            if self.type is bool:
                value = {"true": True, "false": False}.get(text.strip().lower(), text)
            elif self.type in (int, float):
                value = self.type(text)
            elif self.type is not str:
                value = tuple(int(part) for part in text.split(","))
        except ValueError:
            pass  # still the text, which `check` refuses in words
        return self.check(value)

    def check(self, value: object) -> Value:
        """`value` in the hyperparameter's own type (a list from JSON becomes a tuple).

        Raises:
            BadHyperparameter: the type is wrong, or the value is out of range or no choice.
        """
        checked = self._converted(value)
        if checked is None or (self.choices and checked not in self.choices) or not self._in_range(checked):
            raise BadHyperparameter(f"Expected {self.name} to be {self.expected}. Received: {value!r}")
        return checked

    @property
    def _length(self) -> int | None:
        """The length of a tuple of fixed length."""
        parts = get_args(self.type)
        return None if not parts or Ellipsis in parts else len(parts)

    def _converted(self, value: object) -> Value | None:
        if self.type in (bool, str):
            return value if isinstance(value, self.type) else None
        if self.type is int:
            return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
        if self.type is float:
            number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
            return number if math.isfinite(number) else None
        if not isinstance(value, list | tuple) or not value or len(value) != (self._length or len(value)):
            return None
        if any(isinstance(element, bool) or not isinstance(element, Integral) for element in value):
            return None
        return tuple(int(element) for element in value)

    def _in_range(self, value: Value) -> bool:
        if self.minimum is None or self.maximum is None or isinstance(value, str):
            return True
        elements = value if isinstance(value, tuple) else (value,)
        return all(self.minimum <= element <= self.maximum for element in elements)
