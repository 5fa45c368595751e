"""Parses the JSON in a model file, with limits on length, memory and nesting."""

from __future__ import annotations

import json
from typing import Any

from ...errors import InvalidArgument, ResourceExhausted
from ...limits import json_memory, share_of_memory
from .causes import cause

MAX_BYTES = 64 << 20
MAX_DEPTH = 100  # each nested model adds about 12 levels


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Parses a JSON object.

    Args:
        data: JSON text in UTF-8.
        what: name of the data for error messages, such as "config.json".

    Raises:
        InvalidArgument: the data is not JSON, not an object, or has more than `MAX_DEPTH` levels.
        ResourceExhausted: the data is too long, or parsing would need too much memory.
    """
    value = _loads(data, what)
    if not isinstance(value, dict):
        raise InvalidArgument(f"Expected a JSON object in {what}. Received: {type(value).__name__}")
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return value
    raise InvalidArgument(_too_deep(what))


def read_string(data: bytes, what: str) -> str:
    """Parses a JSON string. Raises the errors of `read_json`."""
    value = _loads(data, what)
    if not isinstance(value, str):
        raise InvalidArgument(f"Expected a JSON string in {what}. Received: {type(value).__name__}")
    return value


def _loads(data: bytes, what: str) -> Any:
    if len(data) > MAX_BYTES or json_memory(data) > share_of_memory(1):
        raise ResourceExhausted(f"Expected {what} to have at most {MAX_BYTES:,} bytes. Received: {len(data):,}")
    try:
        return json.loads(data)
    except RecursionError:
        raise InvalidArgument(_too_deep(what)) from None
    except ValueError as error:  # not JSON, not UTF-8, or a number with thousands of digits
        raise InvalidArgument(f"Expected JSON in {what}. Received: {cause(error)}") from None


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [each for each in children if isinstance(each, dict | list)]


def _too_deep(what: str) -> str:
    return f"Expected at most {MAX_DEPTH} levels of nesting in {what}. Received: more"
