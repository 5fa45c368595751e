"""JSON of a model file: bounded in length, memory and depth."""

from __future__ import annotations

import json
from typing import Any

from ...errors import InvalidArgument, ResourceExhausted
from ...limits import json_memory, share_of_memory

MAX_BYTES = 64 << 20
MAX_DEPTH = 100  # a model in a model in a model takes a dozen each


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """The object that a JSON text holds.

    Args:
        data: UTF-8.
        what: for the errors, such as "config.json".

    Raises:
        InvalidArgument: it is no JSON, or no object, or nests too deep.
        ResourceExhausted: it is too long, or takes too much memory.
    """
    if len(data) > MAX_BYTES or json_memory(data) > share_of_memory(1):
        raise ResourceExhausted(f"Expected {what} of at most {MAX_BYTES:,} bytes. Received: {len(data):,}")
    try:
        value = json.loads(data)
    except RecursionError:
        raise InvalidArgument(_too_deep(what)) from None
    except ValueError as error:  # no JSON, no UTF-8, or a number of thousands of digits
        raise InvalidArgument(f"Expected JSON in {what}. Received: {error}") from None
    if not isinstance(value, dict):
        raise InvalidArgument(f"Expected a JSON object in {what}. Received: {type(value).__name__}")
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return value
    raise InvalidArgument(_too_deep(what))


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [each for each in children if isinstance(each, dict | list)]


def _too_deep(what: str) -> str:
    return f"Expected at most {MAX_DEPTH} levels in {what}. Received: more"
