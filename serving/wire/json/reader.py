"""Reads JSON as TensorFlow Serving does, which takes more than the standard's.

That is: NaN, Inf and Infinity, text that is not UTF-8, objects that name a member twice, and whatever follows the
document. Python's own reader gives the same for nearly all documents, a good deal faster than `json_exact_reader`,
which is asked about the others, and about what is wrong.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...errors import InvalidArgument
from . import exact_reader as json_exact_reader
from .document import Object, text
from .numbers import NUMBER, has_rounded, number

MAX_EXACT_BYTES = 2 << 20  # of a document that Python's reader does not take

_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?[ \n\r\t]*")
_PAIR = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(data: bytes) -> Any:
    """The document at the start of `data`, in the types of `json_document`.

    Raises:
        InvalidArgument: in TensorFlow Serving's words, for what is no JSON to it; in ours for lists or objects nested
            deeper than `MAX_DEPTH`, and for long bodies that are wrong or that it would take long to read.
    """
    if not data:
        raise InvalidArgument("JSON Parse error: The document is empty")
    start = _BEFORE.match(data)
    assert start is not None  # it may be empty
    problem = "half a surrogate pair, or no object"
    if not _HALF.search(data) or not (b"\\\\" in data or _HALF.search(_PAIR.sub(b"", data))):
        decoder = _EXACT if has_rounded(data) else _PLAIN
        try:
            value = decoder.raw_decode(text(data[start.end() :]))[0]
            if type(value) not in (int, float):  # it may have left a part of the number over
                return value
        except (ValueError, RecursionError, OverflowError) as error:
            problem = str(error) or "a number is too big"
    if len(data) > MAX_EXACT_BYTES:
        raise InvalidArgument(f"JSON Parse error: Expected standard JSON in {len(data)} bytes. Received: {problem}")
    return json_exact_reader.read(data)


def _number(content: str) -> int | float:
    match = NUMBER.fullmatch(content.encode())
    assert match is not None  # Python's numbers are RapidJSON's
    return number(*match.groups(b""))


_PLAIN = json.JSONDecoder(object_pairs_hook=Object)
_EXACT = json.JSONDecoder(object_pairs_hook=Object, parse_int=_number, parse_float=_number)
