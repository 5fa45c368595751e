"""Builds HTTP/2 frames and headers by hand, because libraries do not send invalid frames."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(frame_type: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", frame_type, flags, stream) + payload


def start() -> bytes:
    """Returns the connection preface and an empty SETTINGS frame."""
    return PREFACE + frame(SETTINGS)


def field(name: bytes, value: bytes) -> bytes:
    """Encodes a header in HPACK as a literal without indexing."""
    return b"\x00" + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, coded = len(text) - 127, bytearray([127])
    while rest > 127:
        coded.append(rest & 127 | 128)
        rest >>= 7
    coded.append(rest)
    return bytes(coded) + text


def call(path: str, *more: tuple[bytes, bytes]) -> bytes:
    """Returns the encoded headers of a gRPC call."""
    fields = [
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode()), (b":authority", b"x"),
        (b"te", b"trailers"), (b"content-type", b"application/grpc"), *more,
    ]  # fmt: skip
    return b"".join(field(*each) for each in fields)


def message(data: bytes, *, packed: bool = False) -> bytes:
    """Returns a gRPC message: compression flag, length, data."""
    return struct.pack(">BI", packed, len(data)) + data


def frames(client: socket.socket) -> Iterator[tuple[int, int, int, bytes]]:
    """Yields frames (type, flags, stream, payload) until the server closes the connection, or a read times out."""
    buffer = b""
    try:
        while part := client.recv(1 << 16):
            buffer += part
            while len(buffer) >= 9 and len(buffer) >= (size := 9 + int.from_bytes(buffer[:3])):
                frame_type, flags, stream = struct.unpack(">BBI", buffer[3:9])
                yield frame_type, flags, stream, buffer[9:size]
                buffer = buffer[size:]
    except (TimeoutError, ConnectionResetError):
        pass
