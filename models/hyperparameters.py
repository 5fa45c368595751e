"""Reads the hyperparameters of a model from the signature of its builder function.

The signature states the type, the default, and the range or the choices of each hyperparameter. `create`, the command
line and the documentation read the signature:

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

MAX_SHOWN = 200  # characters of a wrong value in an error message
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Range:
    """The smallest and the largest allowed value, or None for no limit. For a tuple, the range applies to each item."""

    minimum: float | None = None
    maximum: float | None = None


Count = Annotated[int, Range(1, 65536)]
Counts = Annotated[tuple[int, ...], Range(1, 65536)]
Fraction = Annotated[float, Range(0, 1)]
NonNegative = Annotated[float, Range(0)]
ImageShape = Annotated[tuple[int, int, int], Range(1, 4096)]  # (height, width, channels)


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: a keyword argument of a builder function.

    Attributes:
        name: name of the keyword argument.
        type: int, float, bool, str (one of `choices`) or tuple (of integers).
        default: default value.
        help: description of the hyperparameter, from the `Args` section of the builder's docstring.
        choices: the allowed values, if the type is str.
        minimum: the smallest allowed value, or None for no limit.
        maximum: the largest allowed value, or None for no limit.
        length: the number of integers in a tuple, or None if a tuple can have any number of integers from 1.
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
        """A description of the allowed values, such as "an integer from 1 to 65536"."""
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
        """Checks a value and returns the value converted to `type`. For example, a list becomes a tuple.

        Raises:
            BadHyperparameter: the value has the wrong type, is out of range or is not one of the choices.
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
        raise self._error(value)

    def parse(self, text: str) -> Any:
        """Parses a value from the command line, such as `32`, `0.4`, `true`, `gaussian` or `28,28,1`.

        Raises:
            BadHyperparameter: the text cannot be converted to `type`, or the value is not allowed.
        """
        try:
            if self.type is tuple:
                return self.check(tuple(int(item) for item in text.strip("() ,").split(",")))
            if self.type is bool:
                return BOOLEANS[text.lower()]
            return self.check(self.type(text))
        except (ValueError, KeyError):
            raise self._error(text) from None

    def format(self, value: Any) -> str:
        """Formats a value as text that `parse` reads."""
        if self.type is tuple:
            return ",".join(str(item) for item in value)
        return str(value).lower() if self.type is bool else str(value)

    def _is_number(self, value: Any) -> bool:
        """Returns whether a value is a finite number of the right type and in range. Booleans are not numbers."""
        number_type: Any = Real if self.type is float else Integral
        if isinstance(value, bool) or not isinstance(value, number_type):
            return False
        try:
            if not math.isfinite(value):
                return False
        except OverflowError:  # an integer too large for a float
            return False
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    def _error(self, value: Any) -> BadHyperparameter:
        return BadHyperparameter(f"Expected {self.name} to be {self.expects}. Received: {shown(value)}.")


def shown(value: Any) -> str:
    """Returns a value for an error message: at most `MAX_SHOWN` characters."""
    try:
        text = str(value)
    except ValueError:
        return "an integer with thousands of digits"
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def hyperparameters_of(builder: Callable[..., Any]) -> tuple[Hyperparameter, ...]:
    """Reads the hyperparameters from a builder's signature and their descriptions from its docstring.

    Supported types are int, float, bool, `Literal` of strings, and tuple of integers. `Annotated` adds a `Range`.

    Raises:
        TypeError: a parameter is not keyword-only, has no default, or has an unsupported type such as str.
    """
    hints = typing.get_type_hints(builder, include_extras=True)
    descriptions = arguments(builder.__doc__ or "")
    hyperparameters = []
    for name, parameter in inspect.signature(builder).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is parameter.empty:
            raise TypeError(f"The parameter {name} of a builder must be keyword-only and have a default.")
        hyperparameters.append(hyperparameter_of(name, hints[name], parameter.default, descriptions.get(name, "")))
    return tuple(hyperparameters)


def hyperparameter_of(name: str, hint: Any, default: Any, text: str = "") -> Hyperparameter:
    """Returns the hyperparameter that a type hint describes.

    Raises TypeError if the hint has an unsupported type such as str.
    """
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
