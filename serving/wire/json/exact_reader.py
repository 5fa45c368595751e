"""Reads JSON as RapidJSON does, TensorFlow Serving's library: byte by byte, with its words and offsets of refusals."""

from __future__ import annotations

import re
from typing import Any

import orjson

from ...errors import InvalidArgument
from .document import MAX_DEPTH, Object, text
from .numbers import NUMBER, has_rounded, number

_SPACE = re.compile(rb"[ \n\r\t]*")
_STRING = re.compile(rb'"([^"\\\x00-\x1f]*)"')
_CHUNK = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_NUMBERS = re.compile(rb"\[[-+0-9.eE, \n\r\t]*\]")
_WORDS = {ord("t"): (b"true", True), ord("f"): (b"false", False), ord("n"): (b"null", None)}
_ESCAPES = dict(zip(b'"\\/bfnrt', (b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True))
_QUOTE, _COMMA, _COLON, _OPEN, _CLOSE, _BEGIN, _END = b'",:[]{}'


def read(data: bytes) -> Any:
    """The document at the start of `data`; it takes about a microsecond a byte.

    Raises:
        InvalidArgument: for what is no JSON, or for lists and objects nested deeper than `MAX_DEPTH`.
    """
    data += b"\0"  # stands for the end, as it does to RapidJSON
    at = 0
    for mark in b"\xef\xbb\xbf":  # each byte of a byte order mark for itself
        at += data[at] == mark
    at = _after_space(data, at)
    if data[at] == 0:
        raise _error("The document is empty.", at)
    return _read(data, at)


def _read(data: bytes, at: int) -> Any:
    open_: list[Any] = []  # the lists and objects around `at`
    names: list[str] = []  # of the members that those objects wait for
    while True:
        value: Any
        first = data[at]
        if first == _OPEN:
            value, at, closed = _open_list(data, at)
        elif first == _BEGIN:
            at = _after_space(data, at + 1)
            value, closed = Object(), data[at] == _END
            at += closed
        else:
            value, at = _scalar(data, at)
            closed = True
        if not closed:
            if len(open_) >= MAX_DEPTH:
                raise InvalidArgument(
                    f"Expected at most {MAX_DEPTH} lists and objects in one another. Received: more at offset {at}"
                )
            open_.append(value)
            if isinstance(value, Object):
                at = _name(data, at, names)
            continue
        while open_:  # the value is complete: it goes where it belongs, and may complete that
            at = _after_space(data, at)
            above, first = open_[-1], data[at]
            if isinstance(above, Object):
                above.members.append((names.pop(), value))
                if first == _COMMA:
                    at = _name(data, _after_space(data, at + 1), names)
                    break
                if first != _END:
                    raise _error("Missing a comma or '}' after an object member.", at)
            else:
                above.append(value)
                if first == _COMMA:
                    at = _after_space(data, at + 1)
                    break
                if first != _CLOSE:
                    raise _error("Missing a comma or ']' after an array element.", at)
            value, at = open_.pop(), at + 1
        else:
            return value


def _open_list(data: bytes, at: int) -> tuple[list[Any], int, bool]:
    """A list, where to go on, and whether it is read to its end."""
    if numbers := _NUMBERS.match(data, at):
        found = _numbers(numbers[0])
        if found is not None:
            return found, numbers.end(), True
    at = _after_space(data, at + 1)
    return [], at + (data[at] == _CLOSE), data[at] == _CLOSE


def _numbers(content: bytes) -> list[int | float] | None:
    """A list of nothing but numbers, at orjson's pace; None for one that orjson refuses."""
    try:
        found: list[int | float] = orjson.loads(content)
        if has_rounded(content):
            found = [number(*groups) for groups in NUMBER.findall(content)]
    except (orjson.JSONDecodeError, OverflowError):
        return None
    return found


def _name(data: bytes, at: int, names: list[str]) -> int:
    """Reads a member's name and the colon after it."""
    if data[at] != _QUOTE:
        raise _error("Missing a name for object member.", at)
    name, at = _string(data, at)
    at = _after_space(data, at)
    if data[at] != _COLON:
        raise _error("Missing a colon after a name of object member.", at)
    names.append(name)
    return _after_space(data, at + 1)


def _scalar(data: bytes, at: int) -> tuple[Any, int]:
    first = data[at]
    if first == _QUOTE:
        return _string(data, at)
    if first in _WORDS:
        word, value = _WORDS[first]
        return value, _word(data, at, word)
    match = NUMBER.match(data, at)
    if match is None:
        return _not_finite(data, at)
    end = match.end()
    if data[end] == ord(".") and match[3] is None and match[4] is None:
        raise _error("Miss fraction part in number.", end + 1)
    if data[end] in b"eE" and match[4] is None:
        raise _error("Miss exponent in number.", end + 1 + (data[end + 1] in b"+-"))
    try:
        return number(*match.groups(b"")), end
    except OverflowError:
        raise _error("Number too big to be stored in double.", at) from None


def _not_finite(data: bytes, at: int) -> tuple[float, int]:
    sign = "-" if data[at] == ord("-") else ""
    at += len(sign)
    if data[at] == ord("N"):
        return float("nan"), _word(data, at, b"NaN")
    if data[at] != ord("I"):
        raise _error("Invalid value.", at)
    at = _word(data, at, b"Inf")
    return float(sign + "inf"), _word(data, at, b"inity") if data[at] == ord("i") else at


def _word(data: bytes, at: int, word: bytes) -> int:
    """Where `word` ends."""
    for letter in word:
        if data[at] != letter:
            raise _error("Invalid value.", at)
        at += 1
    return at


def _string(data: bytes, at: int) -> tuple[str, int]:
    if match := _STRING.match(data, at):
        return text(match[1]), match.end()
    parts: list[bytes] = []
    at += 1
    while True:
        chunk = _CHUNK.match(data, at)
        assert chunk is not None  # it may be empty
        parts.append(chunk[0])
        at = chunk.end()
        if data[at] == _QUOTE:
            return text(b"".join(parts)), at + 1
        if data[at] == 0:
            raise _error("Missing a closing quotation mark in string.", at)
        if data[at] != ord("\\"):
            raise _error("Invalid escape character in string.", at)
        if data[at + 1] in _ESCAPES:
            parts.append(_ESCAPES[data[at + 1]])
            at += 2
        else:
            character, at = _unicode_escape(data, at)
            parts.append(character)


def _unicode_escape(data: bytes, at: int) -> tuple[bytes, int]:
    r"""The UTF-8 of `\uXXXX`, or of two that make a pair; the second half of a pair may also stand alone."""
    if data[at + 1] != ord("u"):
        raise _error("Invalid escape character in string.", at)
    code, end = _hex(data, at + 2, at), at + 6
    if 0xD800 <= code <= 0xDBFF:
        if not data.startswith(b"\\u", end):
            raise _error("The surrogate pair in string is invalid.", at)
        second, end = _hex(data, end + 2, at), end + 6
        if not 0xDC00 <= second <= 0xDFFF:
            raise _error("The surrogate pair in string is invalid.", at)
        code = 0x10000 + ((code - 0xD800) << 10 | second - 0xDC00)
    return chr(code).encode(errors="surrogatepass"), end


def _hex(data: bytes, at: int, escape: int) -> int:
    match = _HEX.match(data, at)
    if match is None:
        raise _error("Incorrect hex digit after \\u escape in string.", escape)
    return int(match[0], 16)


def _after_space(data: bytes, at: int) -> int:
    if data[at] > 0x20:
        return at
    match = _SPACE.match(data, at)
    assert match is not None  # it may be empty
    return match.end()


def _error(problem: str, at: int) -> InvalidArgument:
    return InvalidArgument(f"JSON Parse error: {problem} at offset: {at}")
