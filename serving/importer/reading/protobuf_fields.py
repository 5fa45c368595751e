"""Lists the fields of a protocol buffer, to tell an ONNX model from a TensorFlow graph without either library."""

from __future__ import annotations

import os
from typing import BinaryIO

_MAX_FIELDS = 100_000  # a frozen graph has one field for each node


def top_level_fields(file: BinaryIO) -> set[tuple[int, int]] | None:
    """Returns the set of (field number, wire type) of the fields of a message.

    Reads at most the first 100,000 fields. Returns None if the file is empty or incomplete, or is not a message.

    Args:
        file: a binary file at the start of the message. The message extends to the end of the file.
    """
    end = os.fstat(file.fileno()).st_size
    fields_found: set[tuple[int, int]] = set()
    for _ in range(_MAX_FIELDS):
        if file.tell() == end:
            return fields_found or None
        key = _varint(file)
        if key is None or key >> 3 == 0:
            return None
        fields_found.add((key >> 3, key & 7))
        if key & 7 == 0:
            skipped = _varint(file)
            length: int | None = 0 if skipped is not None else None
        else:
            length = {1: 8, 5: 4}.get(key & 7) or (_varint(file) if key & 7 == 2 else None)
        if length is None or file.tell() + length > end:
            return None
        file.seek(length, os.SEEK_CUR)
    return fields_found


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
