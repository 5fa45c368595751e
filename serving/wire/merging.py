"""Parses a long protocol buffer message in pieces, so that other threads can run between two pieces.

The protobuf library keeps Python's interpreter lock while it parses: 0.7 s for two million tf.Examples. Parsing the
fields of a message one after the other and merging the results gives the same message.
"""

from __future__ import annotations

from typing import Any

LONG = 1 << 20  # bytes; shorter messages are parsed at once
_PIECE = 1 << 17  # bytes


def parse(message_type: Any, data: bytes) -> Any:
    """Parses a message. Raises `google.protobuf.message.DecodeError` for malformed bytes."""
    if len(data) <= LONG:
        return message_type.FromString(data)
    message = message_type()
    _merge(message, data, 0, len(data))
    return message


def _merge(message: Any, data: bytes, at: int, end: int) -> None:
    """Merges the fields of `data[at:end]` into a message. Reads a long submessage in pieces, too."""
    fields = message.DESCRIPTOR.fields_by_number
    begin = at  # everything before is in the message
    try:
        while at < end:
            field_start = at
            tag, at = _varint(data, at)
            kind, length = tag & 7, 0
            if kind == 0:
                _, at = _varint(data, at)
            elif kind == 2:
                length, at = _varint(data, at)
            elif kind in (1, 5):
                length = 8 if kind == 1 else 4
            else:
                break
            stop = at + length
            if stop > end:
                break
            if length > _PIECE and kind == 2 and (inner := _submessage(message, fields.get(tag >> 3))) is not None:
                message.MergeFromString(data[begin:field_start])
                inner.SetInParent()
                _merge(inner, data, at, stop)
                begin = stop
            elif stop - begin > _PIECE:
                message.MergeFromString(data[begin:stop])
                begin = stop
            at = stop
    except IndexError:  # malformed: the next line raises DecodeError
        pass
    message.MergeFromString(data[begin:end])


def _submessage(message: Any, field: Any) -> Any:
    """Returns the message in a field. Returns None if the field is repeated, or is not a message."""
    if field is None or field.message_type is None or field.is_repeated:
        return None
    return getattr(message, field.name)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns the varint at `at` and the position after it. Raises IndexError if it is malformed."""
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise IndexError
