"""Hyperparameters as data, read from a builder's keyword-only signature.

Ranges and choices stand in the signature, so that building, the command line and the docs share them:

    def dense_autoencoder(*, code_dim: Count = 32, output: Literal["sigmoid", "linear"] = "sigmoid")
"""

import inspect
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, Literal

from .docstrings import arguments
from .errors import BadHyperparameter

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Range:
    """The least and the greatest value allowed, both included; of each item, for a tuple."""

    minimum: float | None = None
    maximum: float | None = None


Count = Annotated[int, Range(1, 65536)]
Counts = Annotated[tuple[int, ...], Range(1, 65536)]
Fraction = Annotated[float, Range(0, 1)]
NonNegative = Annotated[float, Range(0)]
ImageShape = Annotated[tuple[int, int, int], Range(1, 4096)]  # (height, width, channels)


@dataclass(frozen=True)
class Hyperparameter:
    """One keyword of a builder.

    Attributes:
        name: the keyword.
        type: int, float, bool, str (one of `choices`) or tuple (of integers).
        default: the value it takes when it is not given.
        help: its line in the builder's `Args` section.
        choices: the values allowed, for a str.
        minimum: the least value allowed, or None.
        maximum: the greatest value allowed, or None.
        length: how many integers a tuple holds; None for one or more.
    """

    name: str
    type: type
    default: Any
    help: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    length: int | None = None

    @property
    def expects(self) -> str:
        """The values allowed, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.type is bool:
            return "true or false"
        noun = {int: "an integer", float: "a number", tuple: "integers"}[self.type]
        if self.type is tuple:
            noun = f"{self.length or 'one or more'} integers"
        if self.minimum is not None and self.maximum is not None:
            return f"{noun} from {self.minimum} to {self.maximum}"
        if self.minimum is not None:
            return f"{noun} of at least {self.minimum}"
        return noun if self.maximum is None else f"{noun} of at most {self.maximum}"

    def check(self, value: Any) -> Any:
        """Returns `value` as its own type: a list, from JSON, as a tuple; 1 as 1.0.

        Raises:
            BadHyperparameter: the wrong type, out of range, or not among the choices.
        """
        if self.type is tuple:
            items = tuple(value) if isinstance(value, (list, tuple)) else ()
            right_length = len(items) == self.length if self.length else bool(items)
            if right_length and all(self._is_number(item) for item in items):
                return tuple(int(item) for item in items)
        elif self.type is str:
            if isinstance(value, str) and value in self.choices:
                return value
        elif self.type is bool:
            if isinstance(value, bool):
                return value
        elif self._is_number(value):
            return self.type(value)
        raise self._refusal(value)

    def parse(self, text: str) -> Any:
        """Reads a value from the command line: `32`, `0.4`, `true`, `gaussian` or `28,28,1`."""
        try:
            if self.type is tuple:
                return self.check(tuple(int(item) for item in text.strip("() ,").split(",")))
            if self.type is bool:
                return BOOLEANS[text.lower()]
            return self.check(self.type(text))
        except (ValueError, KeyError):
            raise self._refusal(text) from None

    def format(self, value: Any) -> str:
        """Writes a value as `parse` reads it."""
        if self.type is tuple:
            return ",".join(str(item) for item in value)
        return str(value).lower() if self.type is bool else str(value)

    def _is_number(self, value: Any) -> bool:
        """Whether `value` is finite, in range and of the right kind; True is no number here."""
        kind: Any = Real if self.type is float else Integral
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        try:
            if not math.isfinite(value):
                return False
        except OverflowError:  # an integer that no float can hold
            return False
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    def _refusal(self, value: Any) -> BadHyperparameter:
        return BadHyperparameter(f"Expected {self.name} to be {self.expects}. Received: {value}.")


def hyperparameters_of(builder: Callable[..., Any]) -> tuple[Hyperparameter, ...]:
    """Reads a builder's keyword-only signature and the `Args` section of its docstring.

    Raises:
        TypeError: the signature holds something else than keyword-only parameters with a default and one of
            the types int, float, bool, `Literal` of strings or tuple of ints.
    """
    hints = typing.get_type_hints(builder, include_extras=True)
    helps = arguments(builder.__doc__ or "")
    found = []
    for name, parameter in inspect.signature(builder).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
            raise TypeError(f"Expected keyword-only parameters with defaults. Received: {name}.")
        found.append(_hyperparameter(name, hints[name], parameter.default, helps.get(name, "")))
    return tuple(found)


def _hyperparameter(name: str, hint: Any, default: Any, text: str) -> Hyperparameter:
    bounds = Range()
    if typing.get_origin(hint) is Annotated:
        hint, bounds = typing.get_args(hint)
    origin, arguments_of_type = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return Hyperparameter(name, str, default, text, choices=arguments_of_type)
    length = None
    if origin is tuple and arguments_of_type[-1] is not Ellipsis:
        length = len(arguments_of_type)
    if origin is None and hint not in (int, float, bool):
        raise TypeError(f"Expected int, float, bool, Literal or tuple[int, …] for {name}. Received: {hint}.")
    return Hyperparameter(
        name, origin or hint, default, text, minimum=bounds.minimum, maximum=bounds.maximum, length=length
    )
