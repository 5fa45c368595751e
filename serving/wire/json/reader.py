"""Reads JSON with RapidJSON, as TensorFlow Serving does, so values, error messages and offsets are the same.

python-rapidjson rejects three inputs that TensorFlow Serving accepts: text after the document, a byte order mark before
the document, and strings that are not UTF-8. This module accepts them.
"""

from __future__ import annotations

import codecs
import re
import sys
from typing import Any

import rapidjson

from ...errors import InvalidArgument
from .document import Object
from .steps import LONG

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PROBLEM = re.compile(r"Parse error at offset (\d+): (.*)", re.S)
_ROOT_FOLLOWED = "The document root must not be followed by other values."
# TensorFlow Serving has an older version of RapidJSON, which has another message for this error.
_OLDER_MESSAGES = {"Invalid encoding in string.": "Invalid escape character in string."}

# python-rapidjson reads only UTF-8. If a text is not UTF-8, `_hide` replaces each byte from 0x80 to 0xFF with a
# private-use character before python-rapidjson reads the text, and `_HiddenBytesReader` restores the bytes. An escape
# of such a character (\uf780 to \uf7ff) in such a text is read as the byte.
_HIDDEN = "".join(chr(byte if byte < 0x80 else 0xF700 + byte) for byte in range(256))
_BYTES = codecs.charmap_build(_HIDDEN)


def _encode_escaped(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes characters that were escaped in the text. See `codecs.register_error`."""
    assert isinstance(error, UnicodeEncodeError)
    return error.object[error.start : error.end].encode(), error.end


codecs.register_error("keras_gallery.escaped", _encode_escaped)


class _Reader(rapidjson.Decoder):
    """Reads the members of an object to a list. The list keeps repeated names."""

    start_object: Any = list
    end_object: Any = Object


class _HiddenBytesReader(rapidjson.Decoder):
    """Reads text in which `_hide` replaced bytes. Restores the bytes, and keeps repeated names."""

    start_object = list

    def string(self, text: str) -> str:
        return _show(text)

    def end_object(self, members: list[tuple[str, Any]]) -> Object:
        return Object([(_show(name), value) for name, value in members])


_PIECE = 1 << 16  # bytes of a long document that are read at once
_MODE = rapidjson.NM_NATIVE | rapidjson.NM_NAN
_READER, _HIDDEN_BYTES_READER = _Reader(number_mode=_MODE), _HiddenBytesReader(number_mode=_MODE)


def loads(data: bytes) -> Any:
    """Reads the JSON document at the start of `data`. Text after the document is ignored.

    NaN, Inf and Infinity are numbers, with or without a minus sign. Integers of up to 64 bits become int. All other
    numbers become float.

    Raises:
        InvalidArgument: `data` is not JSON (with TensorFlow Serving's error message), or lists and objects are nested
            deeper than Python's recursion limit (1,000 by default).
    """
    if not data:
        raise InvalidArgument("JSON Parse error: The document is empty")
    content = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return _read(content)
    except RecursionError:
        raise InvalidArgument(f"JSON is nested deeper than {sys.getrecursionlimit()} levels.") from None
    except rapidjson.JSONDecodeError as error:
        match = _PROBLEM.fullmatch(str(error))
        assert match is not None
        offset, problem = _original(int(match[1]), content), match[2]
    if problem == _ROOT_FOLLOWED:
        return _read(content[:offset])
    offset += len(data) - len(content)
    raise InvalidArgument(f"JSON Parse error: {_OLDER_MESSAGES.get(problem, problem)} at offset: {offset}")


class _Pieces:
    """A file for python-rapidjson with the bytes of a document. Other threads can run whenever `read` is called."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int) -> bytes | str:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece


class _HiddenPieces(_Pieces):
    """The same file, with characters in place of bytes (see `_hide`)."""

    def read(self, size: int) -> str:
        return _hide(super().read(size))  # type: ignore[arg-type]


def _read(data: bytes) -> Any:
    if len(data) > LONG:
        is_text = _is_text(data)
        reader, pieces = (_READER, _Pieces) if is_text else (_HIDDEN_BYTES_READER, _HiddenPieces)
        file: Any = pieces(data)
        return reader(file, chunk_size=_PIECE)
    try:
        return _READER(data)
    except UnicodeDecodeError:
        text = _hide(data)
    return _HIDDEN_BYTES_READER(text)


def _is_text(data: bytes) -> bool:
    """Returns whether `data` is UTF-8."""
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), LONG):
            decoder.decode(data[at : at + LONG])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _hide(data: bytes) -> str:
    """Returns a text with one character for each byte of `data`."""
    return codecs.charmap_decode(data, "strict", _HIDDEN)[0]


def _show(text: str) -> str:
    """Restores the bytes that `_hide` replaced."""
    if text.isascii():
        return text
    return codecs.charmap_encode(text, "keras_gallery.escaped", _BYTES)[0].decode(errors="surrogateescape")


def _original(offset: int, data: bytes) -> int:
    """Converts an offset in the text that RapidJSON reads to the offset in `data`. Both are in bytes."""
    if _is_text(data):
        return offset
    for at in range(0, len(data), LONG):
        hidden = _hide(data[at : at + LONG]).encode()
        if offset <= len(hidden):
            return at + len(hidden[:offset].decode(errors="ignore"))
        offset -= len(hidden)
    return len(data)
