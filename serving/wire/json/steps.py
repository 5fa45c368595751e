"""Works on long JSON values in steps, so that other threads can run between two steps.

Python's interpreter lock allows one thread at a time. A C function keeps the lock until it returns: one call for ten
million values, or the end of a list with ten million values, would stop the event loop for a second.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..tensor import STEP
from .document import Object

LONG = 1 << 20  # bytes; shorter documents take a few milliseconds, and are read at once

_CONTAINERS = {list, Object}
_SHORT = 16


def parts(values: list[Any]) -> Iterator[list[Any]]:
    """Returns the values in lists of up to `STEP` values."""
    if len(values) <= STEP:
        yield values
        return
    for at in range(0, len(values), STEP):
        yield values[at : at + STEP]


def types_of(values: list[Any]) -> set[type]:
    """Returns the types of the values."""
    return set().union(*(set(map(type, part)) for part in parts(values)))


def lengths_of(lists: list[Any]) -> set[int]:
    """Returns the lengths of the lists."""
    return set().union(*(set(map(len, part)) for part in parts(lists)))


def joined(lists: list[list[Any]], length: int) -> list[Any]:
    """Returns the values of all lists in one list, which may be one of `lists`. Each of them has `length` values."""
    if len(lists) == 1:
        return lists[0]
    step = max(STEP // max(length, 1), 1)
    if len(lists) <= step:
        return list(chain.from_iterable(lists))
    values: list[Any] = []
    for at in range(0, len(lists), step):
        values += chain.from_iterable(lists[at : at + step])
    return values


def discard(value: Any) -> None:
    """Frees a JSON value. Afterwards, its lists and objects are empty."""
    pending = [value] if type(value) in _CONTAINERS else []
    while pending:
        container = pending.pop()
        content = container.members if type(container) is Object else container
        if content is container and len(content) <= _SHORT:
            for each in content:
                if type(each) in _CONTAINERS:
                    pending.append(each)
            content.clear()
        while content:
            part = content[-STEP:]
            del content[-STEP:]
            if type(container) is Object:
                part = [each for _, each in part]
            if not _CONTAINERS.isdisjoint(map(type, part)):
                pending += [each for each in part if type(each) in _CONTAINERS]


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Stops Python's garbage collector within the block: it would visit each list of a long document several times.

    Free the document within the block. Only one block may run at a time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
            gc.collect(1)  # blocks that follow each other closely would leave no time for the garbage of other requests
