"""Parses a long protocol buffer message in pieces, so that other threads can run between two pieces.

The protobuf library keeps Python's interpreter lock while it parses: 0.7 s for two million tf.Examples. Parsing the
fields of a message one after the other and merging the results gives the same message. Finding the ends of the fields
takes about half a microsecond for each field, much longer than parsing a field of a few bytes. So after `MAX_FIELDS`
fields, the rest of the message is parsed at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

LONG = 1 << 20  # bytes; shorter messages are parsed at once
_PIECE = 1 << 17  # bytes
MAX_FIELDS = 1_000_000


def parse(message_type: Any, data: bytes) -> Any:
    """Parses a message. Raises `google.protobuf.message.DecodeError` for malformed bytes."""
    if len(data) <= LONG:
        return message_type.FromString(data)
    message = message_type()
    _merge(message, data, 0, len(data), itertools.count())
    return message


def _merge(message: Any, data: bytes, at: int, end: int, numbers: Iterator[int]) -> None:
    """Merges the fields of `data[at:end]` into a message. Reads a long submessage in pieces, too.

    `numbers` counts the fields of the whole message.
    """
    fields = message.DESCRIPTOR.fields_by_number
    begin = at  # everything before is in the message
    try:
        while at < end and next(numbers) < MAX_FIELDS:
            field_start = at
            tag, at = varint(data, at)
            kind, length = tag & 7, 0
            if kind == 0:
                _, at = varint(data, at)
            elif kind == 2:
                length, at = varint(data, at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                break
            stop = at + length
            if stop > end:
                break
            if length > _PIECE and kind == 2 and _is_submessage(field := fields.get(tag >> 3)):
                message.MergeFromString(data[begin:field_start])  # first, since it may replace the submessage
                inner = getattr(message, field.name)
                inner.SetInParent()
                _merge(inner, data, at, stop, numbers)
                begin = stop
            elif stop - begin > _PIECE:
                message.MergeFromString(data[begin:stop])
                begin = stop
            at = stop
    except IndexError:  # malformed: the next line raises DecodeError
        pass
    message.MergeFromString(data[begin:end])


def _is_submessage(field: Any) -> bool:
    """Returns whether a field has a single message."""
    return field is not None and field.message_type is not None and not field.is_repeated


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns the varint at `at` and the position after it. Raises IndexError if it is malformed."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise IndexError
