"""Reads the fields of a JSON object, and checks the type and the range of each value."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
MAX_SHOWN = 80  # characters of a wrong value in an error message


class BadPreparation(ValueError):
    """A description of the preparation is damaged, or is of a newer version of this package."""


class Fields:
    """The fields of a JSON object.

    Args:
        content: the JSON object.
        place: what the object is, for error messages.

    Raises:
        BadPreparation: `content` is not a JSON object. The methods also raise it for a wrong value.
    """

    def __init__(self, content: Any, place: str) -> None:
        if not isinstance(content, Mapping):
            raise BadPreparation(f"Expected a JSON object for {place}. Received: {_shown(content)}")
        self._content, self._place = content, place
        self._known: set[str] = set()

    def string(self, name: str) -> str:
        return str(self._value(name, "a text", lambda value: isinstance(value, str)))

    def number(self, name: str, *, least: float = -math.inf, most: float = math.inf) -> float:
        return float(
            self._value(name, f"a number{_limits(least, most)}", lambda v: _is_number(v) and least <= v <= most)
        )

    def integer(self, name: str, *, least: int, most: int = 1 << 31) -> int:
        def is_right(value: Any) -> bool:
            return _is_number(value) and value == int(value) and least <= value <= most

        return int(self._value(name, f"a whole number{_limits(least, most)}", is_right))

    def choice(self, name: str, allowed: Collection[Any]) -> Any:
        expected = " or ".join(map(str, allowed))
        types = {type(each) for each in allowed}
        return self._value(name, expected, lambda value: type(value) in types and value in allowed)

    def strings(self, name: str) -> list[str]:
        def is_right(value: Any) -> bool:
            return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)

        return list(self._value(name, "a list of texts", is_right))

    def boolean(self, name: str) -> bool:
        return bool(self._value(name, "true or false", lambda value: isinstance(value, bool)))

    def integers(self, name: str, *, least: int, most: int = 1 << 31) -> list[int]:
        def is_right(value: Any) -> bool:
            return isinstance(value, list | tuple) and all(
                isinstance(each, int) and not isinstance(each, bool) and least <= each <= most for each in value
            )

        return list(self._value(name, f"a list of whole numbers{_limits(least, most)}", is_right))

    def each(self, name: str, read: Callable[[Fields], T]) -> Iterator[T]:
        """Returns the objects in a list of one or more JSON objects. Their names must be different."""
        rows = self._value(name, "a list", lambda value: isinstance(value, list | tuple) and len(value) > 0)
        names = [row["name"] for row in rows if isinstance(row, Mapping) and isinstance(row.get("name"), str)]
        if len(set(names)) != len(names):
            raise BadPreparation(f"Expected different names in {name}. Received: {_shown(names)}")
        return (_read(row, f"each of {name}", read) for row in rows)

    def inner(self, name: str, read: Callable[[Fields], T]) -> T:
        """Returns the object in a field."""
        return _read(self._value(name, "a JSON object", lambda value: isinstance(value, Mapping)), name, read)

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Returns the value of a field, or None if the field is missing or null."""
        self._known.add(name)
        return None if self._content.get(name) is None else read(name)

    def check_all_known(self) -> None:
        """Raises BadPreparation if the object has a field that no method has read."""
        unknown = sorted(str(name) for name in self._content.keys() - self._known)
        if unknown:
            raise BadPreparation(f"Unknown fields of {self._place}: {_shown(unknown)}")

    def _value(self, name: str, expected: str, is_right: Callable[[Any], bool]) -> Any:
        self._known.add(name)
        value = self._content.get(name)
        if not is_right(value):
            raise BadPreparation(f"Expected {expected} for {name} of {self._place}. Received: {_shown(value)}")
        return value


def _read(content: Any, place: str, read: Callable[[Fields], T]) -> T:
    fields = Fields(content, place)
    value = read(fields)
    fields.check_all_known()
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _limits(least: float, most: float) -> str:
    if math.isinf(least):
        return ""
    return f" from {least} to {most}" if most < 1 << 31 else f" of at least {least}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
