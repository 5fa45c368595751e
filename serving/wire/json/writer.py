"""Writes JSON as TensorFlow Serving does: strings, error bodies, and values in error messages.

python-rapidjson cannot do this. It rejects strings that are not UTF-8, writes 1e39 as 1e+39, and drops all but one of
several members with the same name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from .document import Object, raw, text

MAX_SHOWN = 1 << 18  # bytes of a value in an error message; TensorFlow Serving has no limit
MAX_ERROR = 2 * MAX_SHOWN  # characters of an error message

_SPECIAL = re.compile(rb'["\\\x00-\x1f]')
_ESCAPED = {bytes((code,)): b"\\u%04X" % code for code in range(0x20)} | {
    b'"': b'\\"', b"\\": b"\\\\", b"\b": b"\\b", b"\f": b"\\f", b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"
}  # fmt: skip


def quoted(text: bytes) -> bytes:
    """Writes a JSON string. Bytes that are not UTF-8 stay unchanged."""
    return b'"' + _SPECIAL.sub(lambda match: _ESCAPED[match[0]], text) + b'"'


def indent(level: int) -> bytes:
    return b"    " * level


def error_body(message: str) -> bytes:
    """Writes the body of an error answer. The message is cut after `MAX_ERROR` characters."""
    shown = message if len(message) <= MAX_ERROR else message[:MAX_ERROR] + "…"
    return b'{\n    "error": ' + quoted(raw(shown)) + b"\n}"


def text_of(value: Any) -> str:
    """Writes a JSON value for an error message. The text is cut after `MAX_SHOWN` bytes.

    Each member of an object is on a new line. A list is on one line. The text ends before the first NaN or infinity.
    """
    shown, left = [], MAX_SHOWN
    for piece in _pieces(value):
        shown.append(piece)
        left -= len(piece)
        if left < 0:
            shown[-1] = piece[:left] + "…".encode()
            break
    return text(b"".join(shown))


def _pieces(value: Any) -> Iterator[bytes]:
    above: list[tuple[Iterator[Any], bool]] = []  # for each list or object around the value: its remaining content
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
        return _shortest(value)
    if isinstance(value, int):
        return str(value).encode()
    return b"{}" if isinstance(value, Object) else b"[]"


def _shortest(value: float) -> bytes:
    """Writes a finite float as RapidJSON does: with the fewest digits that read back to the same float.

    Examples are b"1.0" and b"1e39".
    """
    text, sign = repr(abs(value)), "-" if str(value)[0] == "-" else ""
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) + int(exponent or 0) - len(fraction)  # 0.1 <= value / 10^point < 1
    digits = digits.rstrip("0")
    if not digits:
        shown = "0.0"
    elif len(digits) <= point <= 21:
        shown = digits + "0" * (point - len(digits)) + ".0"
    elif 0 < point <= 21:
        shown = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        shown = "0." + "0" * -point + digits
    else:
        shown = digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1}"
    return (sign + shown).encode()


def type_name(value: Any) -> str:
    """Returns the name of a value's JSON type in TensorFlow Serving's error messages, such as "Number"."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return _TYPES[type(value)]


_TYPES = {
    type(None): "Null", str: "String", int: "Number", float: "Number", list: "Array", Object: "Object"
}  # fmt: skip
