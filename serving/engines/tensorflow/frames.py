"""The protocol between the server's processes and the TensorFlow process.

A frame has three parts: a header (u8 kind, u32 length of the head, u64 length of the body), the head, and the body with
the bytes of the tensors. Numbers are little-endian. A connection has one request at a time. Lengths are not checked,
since both ends belong to the server.

- Request LOAD: the head is JSON [folder, tags, stamp of the files]. The model stays loaded until the connection ends.
- Request RUN: the head is JSON [model number, [name, dtype, shape, length] of each input, names of the outputs, time
  limit in milliseconds, bytes that the pictures in the inputs take when they are decoded]. The time limit 0 means no
  limit. The run waits until other pictures are decoded, if all of them would take too much memory.
- Request STOP: the head is a model number. Ends all runs of this model, and frees the model. The reply to these runs is
  `NOT_LOADED`. Does nothing if the same SavedModel was stopped shortly before. The reply to STOP is empty.
- Request PING: shows whether the process answers. The head and the reply are empty.
- Reply: the kind is a gRPC code. With code 0 the head is JSON: the model's number for LOAD, and [dtype, shape, length]
  of each output for RUN. With any other code the head is the error message.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...wire.tensor import STEP

LOAD, RUN, PING, STOP = 1, 2, 3, 4
# Instead of a gRPC code: no model of this number is loaded, or the files do not have the stamp.
NOT_LOADED, CHANGED = 200, 201
_HEADER = struct.Struct("<BIQ")
_BUFFERS = 512  # per sendmsg call; the usual limit of systems is 1,024

Buffer = Any  # bytes, a memoryview, or a flat array of uint8


class Stream:
    """Reads and writes frames on a socket. Raises ConnectionError if the other end closes the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._memory = memoryview(bytearray(1 << 16))
        self._start = self._end = 0
        self._arrivals = select.poll()
        self._arrivals.register(connection, select.POLLIN)

    def write(self, kind: int, head: bytes, body: Sequence[Buffer] = ()) -> None:
        """Writes a frame."""
        parts = [memoryview(part) for part in body]
        header = _HEADER.pack(kind, len(head), sum(part.nbytes for part in parts))
        parts.insert(0, memoryview(header + head))
        while parts:
            sent = self._socket.sendmsg(parts[:_BUFFERS])
            while parts and sent >= parts[0].nbytes:
                sent -= parts.pop(0).nbytes
            if sent:
                parts[0] = parts[0][sent:]

    def has_frame(self, seconds: float) -> bool:
        """Waits for the next frame, up to `seconds`. Returns whether `read` and `take` would not block.

        Returns False for a frame of more than 64 KiB. Call this only between frames.
        """
        end = time.monotonic() + seconds
        if self._start == self._end:
            self._start = self._end = 0
        while True:
            size = _HEADER.size
            if self._end - self._start >= size:
                _, head, body = _HEADER.unpack_from(self._memory, self._start)
                size += head + body
                if self._end - self._start >= size:
                    return True
            left = end - time.monotonic()
            if self._start + size > self._memory.nbytes or not self._arrivals.poll(max(left, 0) * 1000):
                return False
            self._end += self._received(self._memory[self._end :])

    def has_data(self, seconds: float) -> bool:
        """Waits for the first byte of the next frame, or the end of the connection. Returns False after `seconds`."""
        return self._start != self._end or bool(self._arrivals.poll(seconds * 1000))

    def read(self) -> tuple[int, bytes]:
        """Reads the kind and the head of the next frame. The caller must then read the frame's body."""
        kind, length, _ = _HEADER.unpack(self.take(_HEADER.size))
        return kind, self.take(length)

    def take(self, length: int) -> bytes:
        """Reads the next `length` bytes."""
        if self._end - self._start >= length:
            self._start += length
            return bytes(self._memory[self._start - length : self._start])
        data = bytearray(length)
        self.take_into(memoryview(data))
        return bytes(data)

    def take_into(self, target: memoryview) -> None:
        """Fills `target` with the next bytes."""
        at, size = 0, target.nbytes
        while at < size:
            if self._start == self._end:
                if size - at >= self._memory.nbytes:  # read directly into `target`
                    at += self._received(target[at:])
                    continue
                self._start, self._end = 0, self._received(self._memory)
            count = min(size - at, self._end - self._start)
            target[at : at + count] = self._memory[self._start : self._start + count]
            self._start, at = self._start + count, at + count

    def _received(self, target: memoryview) -> int:
        count = self._socket.recv_into(target)
        if not count:
            raise ConnectionResetError("closed by the other end")
        return count

    def close(self) -> None:
        self._socket.close()

    def __del__(self) -> None:
        self.close()  # nobody reads the reply of an abandoned request


def strings_to_bytes(strings: Sequence[bytes]) -> bytes:
    """Encodes strings: all lengths as u64, then all strings."""
    parts = [strings[at : at + STEP] for at in range(0, len(strings), STEP)]
    lengths = [np.fromiter(map(len, part), "<u8", len(part)).tobytes() for part in parts]
    return b"".join(lengths) + b"".join([b"".join(part) for part in parts])


def strings_from_bytes(data: bytes, count: int) -> list[bytes]:
    """Decodes the result of `strings_to_bytes` for `count` strings."""
    ends = 8 * count + np.cumsum(np.frombuffer(data, "<u8", count), dtype=np.int64)
    return [data[start:end] for start, end in zip([8 * count, *ends[:-1].tolist()], ends.tolist(), strict=False)]
