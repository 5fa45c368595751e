"""The gRPC protocol on top of HTTP/2: message frames, compression, timeouts and status messages.

Source: the document "gRPC over HTTP2" of the gRPC project.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from ... import limits
from ...errors import Cancelled, DeadlineExceeded, Internal, InvalidArgument, ResourceExhausted, Unimplemented
from ...limits import Share

Receive = Callable[[], Awaitable[dict[str, Any]]]

PREFIX = 5  # bytes before each message: a flag for compression, and the length of the message
LARGE_MESSAGE = 16 << 10  # bytes; smaller messages are not in the memory budget, because the number of calls is limited
CONTROL_BYTES = 4 << 20  # maximum size of requests without tensors and examples
BODY_SECONDS = 300.0  # timeout for the whole body of a call with one message
MAX_STATUS_MESSAGE = 1024  # bytes
QUICK_UNPACK = 16 << 10  # bytes; larger compressed messages are unpacked in a thread
ENCODINGS = {b"gzip": 31, b"deflate": 15}  # compression algorithms, with the argument `wbits` of zlib

_UNITS = {b"n": 1e-9, b"u": 1e-6, b"m": 1e-3, b"S": 1.0, b"M": 60.0, b"H": 3600.0}
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")  # every other byte of a status message takes three bytes


def timeout_seconds(text: bytes) -> float:
    """Returns the seconds in a `grpc-timeout` header, such as b"100m". Raises InvalidArgument for an invalid timeout.

    The result is never negative, because a timeout has only digits and a unit.
    """
    digits, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not digits.isdigit() or len(digits) > 8:
        raise InvalidArgument("The header grpc-timeout must be up to 8 digits and a unit: H, M, S, m, u or n.")
    return int(digits) * unit


def status_message(text: str) -> bytes:
    """Encodes the message of an error for the header `grpc-message`. Shortens it as TensorFlow Serving does.

    A character that the cut would divide is left out, because clients cannot decode a part of a character.
    """
    content = text.encode(errors="replace")
    if len(content) > MAX_STATUS_MESSAGE:
        content = content[:MAX_STATUS_MESSAGE].decode(errors="ignore").encode() + b"...TRUNCATED"
    encoded = quote(content, safe=_PLAIN)
    if encoded[:1] == " ":  # HTTP/2 forbids spaces at the start and at the end of a header
        encoded = "%20" + encoded[1:]
    if encoded[-1:] == " ":
        encoded = encoded[:-1] + "%20"
    return encoded.encode()


def frame(message: bytes) -> bytes:
    """Returns a message with its prefix, uncompressed."""
    return b"\0" + len(message).to_bytes(4) + message


class MessageReader:
    """Reads the messages of one call from the body of its HTTP request.

    Args:
        receive: returns the next part of the body.
        encoding: the header `grpc-encoding`, None if the client did not send it.
        max_bytes: maximum size of a message in bytes, before and after decompression.
        share: the share of the call in the memory budget. Large messages are taken from it as their bytes arrive.

    Raises:
        Unimplemented: the server does not know the encoding.
    """

    def __init__(self, receive: Receive, encoding: bytes | None, max_bytes: int, share: Share) -> None:
        if encoding is not None and encoding != b"identity" and encoding not in ENCODINGS:
            raise Unimplemented("Unknown compression in the header grpc-encoding. Known: identity, deflate, gzip.")
        self._receive = receive
        self._wbits = ENCODINGS.get(encoding or b"")
        self._max_bytes = max_bytes
        self._share = share
        self._ended = False
        self._rest: bytes | bytearray = b""  # received, but not read

    async def read_only(self) -> bytes:
        """Returns the message of a call with one message, decompressed. Further messages are ignored.

        Raises the errors of `read`, Internal if there is no message, and DeadlineExceeded if the body is not complete
        within `BODY_SECONDS`.
        """
        data = await self._more(b"")
        if self._ended and len(data) >= PREFIX and not data[0] and self._length(data) == len(data) - PREFIX:
            return bytes(data[PREFIX:])  # the usual case: the first part of the body is the whole body
        self._rest = data
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await self._next()
                while not self._ended and not self._rest:
                    self._rest = await self._more(b"")
        except TimeoutError:
            raise DeadlineExceeded(f"The request was not complete within {BODY_SECONDS:g} s.") from None
        if message is None:
            raise Internal("The request has no message.")
        return await self._unpacked(*message)

    async def read(self) -> bytes | None:
        """Returns the next message, decompressed. Returns None at the end of the body.

        Raises:
            ResourceExhausted: the message is too large, or the memory budget is used up.
            Internal: the message is incomplete, or can't be decompressed.
            Cancelled: the client has cancelled the call.
        """
        message = await self._next()
        return None if message is None else await self._unpacked(*message)

    async def _next(self) -> tuple[int, bytes] | None:
        """Returns whether the next message is compressed, and its bytes as sent. Returns None at the end."""
        data = self._rest
        while len(data) < PREFIX or len(data) < PREFIX + self._length(data):
            if self._ended:
                if data:
                    raise Internal("The request ended before the end of its message.")
                return None
            data = await self._more(data)
        end = PREFIX + self._length(data)
        self._rest = data[end:]
        return data[0], bytes(memoryview(data)[PREFIX:end])

    async def _more(self, data: bytes | bytearray) -> bytes | bytearray:
        """Returns `data` and the next part of the body."""
        event = await self._receive()
        if event["type"] != "http.request":
            raise Cancelled("The client cancelled the call.")
        self._ended = not event.get("more_body", False)
        part: bytes = event.get("body", b"")
        if not data:
            data = part
        else:
            if isinstance(data, bytes):
                data = bytearray(data)  # a list of parts would take much more memory if the parts are small
            data += part
        if len(data) > LARGE_MESSAGE:
            self._share.take_up_to(len(data))
        return data

    def _length(self, data: bytes | bytearray) -> int:
        length = int.from_bytes(data[1:PREFIX])
        if length > self._max_bytes:
            raise ResourceExhausted(f"Received message larger than max ({length} vs. {self._max_bytes})")
        return length

    async def _unpacked(self, compressed: int, message: bytes) -> bytes:
        if not compressed:
            return message
        if self._wbits is None:
            raise Internal("Compressed message without the header grpc-encoding.")
        if len(message) <= QUICK_UNPACK:
            unpacked = limits.unpack(message, self._max_bytes, wbits=self._wbits)
            if unpacked is not None and len(unpacked) > LARGE_MESSAGE:
                self._share.take_up_to(len(message) + len(unpacked))
        else:
            unpacked = await limits.unpack_in_steps(message, self._max_bytes, self._share, wbits=self._wbits)
        if unpacked is None:
            raise Internal("The compressed message is damaged.")
        return unpacked
