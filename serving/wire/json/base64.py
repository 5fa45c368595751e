"""Decodes bytes in JSON, `{"b64": …}`, by TensorFlow Serving's rules, which are less strict than Python's."""

from __future__ import annotations

import binascii
from typing import Any

from ...errors import InvalidArgument
from .document import Object, raw
from .writer import text_of

_SPACE = b" \t\n\v\f\r"


def is_base64(value: Any) -> bool:
    """Returns whether a value is `{"b64": …}` with a string and no other member."""
    return (
        isinstance(value, Object)
        and len(value.members) == 1
        and value.members[0][0] == "b64"
        and isinstance(value.members[0][1], str)
    )


def decoded(value: Object) -> bytes:
    """Decodes `{"b64": …}`. White space is ignored. The padding can be missing, or be `.` instead of `=`.

    Raises:
        InvalidArgument: the object has another form, or its string is not base64.
    """
    if not is_base64(value):
        raise InvalidArgument(f"JSON Value: {text_of(value)} not formatted correctly for base64 data")
    text = raw(value.members[0][1]).translate(None, _SPACE)
    digits = text.rstrip(b"=.")
    padding = -len(digits) % 4
    try:
        if len(text) - len(digits) not in (0, padding):
            raise binascii.Error
        return binascii.a2b_base64(digits + b"=" * padding, strict_mode=True)
    except binascii.Error:
        raise InvalidArgument("Unable to base64 decode") from None
