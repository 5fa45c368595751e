"""Frames between the server and its TensorFlow process: u32 length, u32 number, u8 kind, then the payload.

A request's kind is LOAD or UNLOAD (payload: the SavedModel's folder) or RUN (payload: a PredictRequest whose model
name is that folder). The answer has the request's number; its kind is a gRPC code (0: done) and its payload a
PredictResponse, or the error message. Numbers are little-endian. Both ends are ours: lengths are trusted.
"""

from __future__ import annotations

import struct
from typing import IO

LOAD, RUN, UNLOAD = 1, 2, 3
_HEADER = struct.Struct("<IIB")


def write_frame(stream: IO[bytes], number: int, kind: int, payload: bytes) -> None:
    """Writes one frame; the caller sees to it that only one is written at a time."""
    stream.write(_HEADER.pack(len(payload), number, kind) + payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[int, int, bytes] | None:
    """Number, kind and payload of the next frame; None at the end of the stream."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, number, kind = _HEADER.unpack(header)
    payload = stream.read(length)
    return (number, kind, payload) if len(payload) == length else None
