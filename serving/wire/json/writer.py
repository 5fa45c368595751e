"""Writes JSON as TensorFlow Serving does: strings, single values in error messages, whole error bodies."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from .document import Object, raw, text
from .numbers import shortest

MAX_SHOWN = 1 << 18  # bytes of a value in an error message; TensorFlow Serving shows all of it

_SPECIAL = re.compile(rb'["\\\x00-\x1f]')
_ESCAPED = {bytes((code,)): b"\\u%04X" % code for code in range(0x20)} | {
    b'"': b'\\"', b"\\": b"\\\\", b"\b": b"\\b", b"\f": b"\\f", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"
}  # fmt: skip


def quoted(text: bytes) -> bytes:
    """A JSON string; what is not UTF-8 stays as it is."""
    return b'"' + _SPECIAL.sub(lambda match: _ESCAPED[match[0]], text) + b'"'


def indent(level: int) -> bytes:
    return b"    " * level


def error_body(message: str) -> bytes:
    """The body of an answer that says what is wrong."""
    return b'{\n    "error": ' + quoted(raw(message)) + b"\n}"


def text_of(value: Any) -> str:
    """A value as `json_reader.loads` gives it, as error messages show it; cut after `MAX_SHOWN` bytes.

    Objects take a line for each member, lists stay on one. Nothing is shown of NaN and of infinities, nor of what
    comes after one.
    """
    shown, room = [], MAX_SHOWN
    for piece in _pieces(value):
        shown.append(piece)
        room -= len(piece)
        if room < 0:
            shown[-1] = piece[:room] + "…".encode()
            break
    return text(b"".join(shown))


def _pieces(value: Any) -> Iterator[bytes]:
    above: list[tuple[Iterator[Any], bool]] = []  # what is left of the lists and objects around the value
    while True:
        members = isinstance(value, Object)
        content = value.members if members else value if isinstance(value, list) else None
        if content:
            above.append((iter(content), members))
            yield b"{" if members else b"["
            separator = b""
        else:
            if isinstance(value, float) and not math.isfinite(value):
                return
            yield _scalar(value)
            separator = b","
        while above:
            rest, members = above[-1]
            try:
                value = next(rest)
            except StopIteration:
                above.pop()
                yield b"\n" + indent(len(above)) + b"}" if members else b"]"
                separator = b","
                continue
            if members:
                name, value = value
                yield separator + b"\n" + indent(len(above)) + quoted(raw(name[:MAX_SHOWN])) + b": "
            elif separator:
                yield b", "
            break
        else:
            return


def _scalar(value: Any) -> bytes:
    if value is None:
        return b"null"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, str):
        return quoted(raw(value[:MAX_SHOWN]))
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, int):
        return str(value).encode()
    return b"{}" if isinstance(value, Object) else b"[]"


def type_name(value: Any) -> str:
    """The JSON type of a value, as error messages name it."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return _TYPES[type(value)]


_TYPES = {
    type(None): "Null", str: "String", int: "Number", float: "Number", list: "Array", Object: "Object"
}  # fmt: skip
