"""Tests of the gRPC port with invalid messages and calls, and with HTTP/2 frames written by hand."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import hpack
import numpy as np
import pytest
from keras_gallery.serving.wire import messages

from . import http2
from .abused import MODEL, PREDICT, SMALL, STATUS, AbusedServer, eventually, request, resident
from .conftest import MAX_REQUEST_BYTES

CALLS_BYTES = 4_000 * (32 << 10)  # memory for 4,000 incomplete calls, 32 KiB each
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
UNARY = ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]


@pytest.fixture
def channel(server: AbusedServer) -> Iterator[grpc.Channel]:
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", unlimited) as channel:
        yield channel


def refusal(channel: grpc.Channel, method: str, data: bytes, **options: object) -> grpc.StatusCode:
    """Returns the status code of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(method)(data, timeout=60, **options)
    return caught.value.code()  # type: ignore[attr-defined]


def connect(server: AbusedServer, *frames: bytes) -> socket.socket:
    """Opens an HTTP/2 connection and sends the frames."""
    client = server.connect(rest=False)
    client.sendall(http2.start() + b"".join(frames))
    return client


def status(client: socket.socket) -> bytes | None:
    """Returns the `grpc-status` of the first answer. Returns None if there is no answer."""
    client.settimeout(10)
    decoder = hpack.Decoder()
    for frame_type, _, _, payload in http2.frames(client):
        if frame_type == http2.HEADERS:
            headers = dict(decoder.decode(payload, raw=True))
            if b"grpc-status" in headers:
                return headers[b"grpc-status"]
    return None


# === Messages ===


def test_a_message_above_the_limit(channel: grpc.Channel) -> None:
    assert refusal(channel, PREDICT, bytes(MAX_REQUEST_BYTES + 1)) is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("length", [MAX_REQUEST_BYTES + 1, (1 << 31) - 1, (1 << 32) - 1])
def test_a_large_length_prefix(server: AbusedServer, length: int) -> None:
    """The server allocates no memory for data that has not arrived."""
    with (
        server.bounded_memory(),
        connect(server, http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call(PREDICT))) as client,
    ):
        client.sendall(http2.frame(http2.DATA, 0, 1, b"\0" + struct.pack(">I", length)))
        assert status(client) == b"8"


def test_a_compressed_message(channel: grpc.Channel) -> None:
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        x = np.zeros((1000, 8), np.float32)
        answer = channel.unary_unary(PREDICT)(request(x), timeout=60, compression=compression)
        assert set(messages.PredictResponse.FromString(answer).outputs["y"].float_val) == {1.0}


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.long
def test_a_decompression_bomb(server: AbusedServer, channel: grpc.Channel, compression: grpc.Compression) -> None:
    before = resident(server.process.pid, "VmHWM")
    for _ in range(3):
        assert refusal(channel, PREDICT, bytes(64 << 20), compression=compression) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert resident(server.process.pid, "VmHWM") < before + SMALL
    server.check()


@pytest.mark.parametrize(
    "packed", [gzip.compress(bytes(1000), mtime=0)[:-10], zlib.compress(bytes(1000))[:-3], b"\x1f\x8b", b"\x78"]
)
def test_a_damaged_compressed_message(channel: grpc.Channel, packed: bytes) -> None:
    assert refusal(channel, PREDICT, packed) in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT)


@pytest.mark.parametrize("method", UNARY)
@pytest.mark.parametrize("part", [0, 1, 5, 20, -1])
def test_truncated_messages(channel: grpc.Channel, method: str, part: int) -> None:
    refusal(channel, f"/tensorflow.serving.PredictionService/{method}", request()[:part])


@pytest.mark.long
def test_messages_with_many_small_fields(server: AbusedServer, channel: grpc.Channel) -> None:
    """Each field needs more memory in the server than it has bytes in the message."""
    spec = request()[: request().index(b"\x12")]
    many = 100_000
    bodies = {
        "dims": _field(2, _field(1, b"x") + _field(2, b"\x08\x01" + _field(2, b"\x12\0" * many))),
        "inputs": b"".join(_field(2, _field(1, b"%d" % each)) for each in range(many)),
        "outputs": b"\x1a\0" * many,
        "strings": _field(2, _field(1, b"x") + _field(2, b"\x08\x07" + b"\x42\0" * many)),
        "unknown": b"\xf8\x07\x01" * many,
    }
    with server.bounded_memory():
        for body in bodies.values():
            refusal(channel, PREDICT, spec + body)


def _field(number: int, data: bytes) -> bytes:
    length, size = len(data), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return bytes([number << 3 | 2]) + bytes(size) + data


def test_nested_messages(channel: grpc.Channel) -> None:
    data = b""
    for _ in range(5000):
        data = _field(1, data)
    for method in UNARY:
        assert refusal(channel, f"/tensorflow.serving.PredictionService/{method}", data) is not grpc.StatusCode.OK


SHAPES = {
    "negative": [-1, 8],
    "huge": [1 << 62, 8],
    "overflow": [1 << 32, 1 << 32],
    "rank": [1] * 300,
    "zero_and_huge": [0, 1 << 62],
    "large": [1 << 28, 8],
}


@pytest.mark.parametrize("case", SHAPES)
def test_invalid_shapes(server: AbusedServer, channel: grpc.Channel, case: str) -> None:
    """The server does not allocate arrays of these shapes."""
    message = messages.PredictRequest()
    message.model_spec.name = MODEL
    tensor = message.inputs["x"]
    tensor.dtype = 1
    tensor.float_val.append(1.0)
    for size in SHAPES[case]:
        tensor.tensor_shape.dim.add(size=size)
    with server.bounded_memory():
        code = refusal(channel, PREDICT, message.SerializeToString())
        assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_a_reload_of_many_empty_models(server: AbusedServer, channel: grpc.Channel) -> None:
    data = _field(1, _field(1, b"\x0a\0" * (1 << 20)))
    assert refusal(channel, RELOAD, data * 3) is grpc.StatusCode.RESOURCE_EXHAUSTED


# === Calls ===


@pytest.mark.parametrize(
    "method", ["/", "/a", "/a/b", "/tensorflow.serving.PredictionService/", "/" + "a" * 5000, "/../Predict"]
)
def test_wrong_methods(channel: grpc.Channel, method: str) -> None:
    assert refusal(channel, method, b"") is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.long
def test_long_metadata(server: AbusedServer, channel: grpc.Channel) -> None:
    with server.bounded_memory():
        # The server answers with HTTP status 431, or closes the connection.
        for size, expected in ((20_000, grpc.StatusCode.UNKNOWN), (1 << 20, grpc.StatusCode.UNAVAILABLE)):
            assert refusal(channel, PREDICT, request(), metadata=[("a", "b" * size)]) is expected


def test_many_messages_for_a_unary_call(server: AbusedServer) -> None:
    """The server answers at most the first message, and does not store the other messages."""
    messages = http2.frame(http2.DATA, 0, 1, http2.message(request())) * 100
    with (
        server.bounded_memory(),
        connect(server, http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.call(PREDICT))) as client,
    ):
        client.settimeout(3)
        with contextlib.suppress(OSError):  # the server ends the stream or stops reading
            for _ in range(5000):
                client.sendall(messages)


@pytest.mark.long
def test_calls_that_are_cancelled_at_once(server: AbusedServer, channel: grpc.Channel) -> None:
    call = channel.unary_unary(PREDICT)
    with server.bounded_memory():
        for _ in range(20):
            running = [call.future(request(), timeout=60) for _ in range(200)]
            for each in running:
                each.cancel()


@pytest.mark.long
def test_deadlines_that_have_passed(server: AbusedServer, channel: grpc.Channel) -> None:
    call = channel.unary_unary(PREDICT)
    with server.bounded_memory():
        running = [call.future(request(), timeout=timeout) for timeout in (1e-9, 1e-4, 1e-3) * 500]
        codes = {each.code() for each in running}
        # The client resets each of these calls. The server closes a connection with too many resets.
        assert codes <= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


@pytest.mark.long
def test_many_calls_at_once(server: AbusedServer, channel: grpc.Channel) -> None:
    """If a client has more calls than the limit per connection, the calls wait in the client until they are sent."""
    call = channel.unary_unary(PREDICT)
    running = [call.future(request(), timeout=60) for _ in range(2000)]
    assert {each.code() for each in running} <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    server.check()


# === Connections ===

PARTS = (b"", b"PRI", http2.PREFACE[:-1], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(100))


@pytest.mark.long
def test_connections_without_a_handshake(server: AbusedServer) -> None:
    """All connections are open at the same time, so that the test waits for the timeout only once."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect(rest=False)) for _ in PARTS]
        for client, part in zip(clients, PARTS, strict=True):
            client.sendall(part)
        server.check()
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                while client.recv(1 << 16):
                    pass


FLOODS = {
    "pings": http2.frame(http2.PING, payload=bytes(8)) * 1000,
    "settings": http2.frame(http2.SETTINGS) * 1000,
    "window_updates": http2.frame(http2.WINDOW_UPDATE, payload=b"\0\0\0\1") * 1000,
    "priorities": http2.frame(http2.PRIORITY, 0, 1, bytes(5)) * 1000,
    "unknown_frames": http2.frame(99, payload=bytes(100)) * 1000,
    "empty_data": http2.frame(http2.DATA, 0, 1) * 1000,
    "endless_headers": http2.frame(http2.CONTINUATION, 0, 1, http2.field(b"a", b"b" * 1000)) * 100,
    "resets_of_an_idle_stream": http2.frame(http2.RST_STREAM, 0, 1, bytes(4)) * 1000,
    "goaways": http2.frame(http2.GOAWAY, payload=bytes(8)) * 1000,
    "promises": http2.frame(http2.PUSH_PROMISE, 4, 1, bytes(4)) * 1000,
}


@pytest.mark.parametrize("case", FLOODS)
@pytest.mark.long
def test_floods_of_frames(server: AbusedServer, case: str) -> None:
    """The server may close the connection, stop reading or accept the frames. It still answers other connections."""
    end_headers = 0 if case == "endless_headers" else http2.END_HEADERS
    headers = (
        http2.frame(http2.HEADERS, end_headers, 1, http2.call(PREDICT))
        if case in ("empty_data", "endless_headers")
        else b""
    )
    with server.bounded_memory(), connect(server, headers) as client:
        client.settimeout(1)
        with contextlib.suppress(OSError):
            for _ in range(200):
                client.sendall(FLOODS[case])


@pytest.mark.long
def test_a_flood_of_resets(server: AbusedServer) -> None:
    """Clients start and reset calls as fast as possible. At the same time, the server answers other calls."""
    stop = time.monotonic() + 3
    with server.bounded_memory(), ThreadPoolExecutor(2) as threads:
        floods = [threads.submit(_reset_calls, server, stop) for _ in range(2)]
        while time.monotonic() < stop:
            server.check()
        assert sum(each.result() for each in floods) > 1000


def _reset_calls(server: AbusedServer, stop: float) -> int:
    stream = 1
    with connect(server) as client:
        with contextlib.suppress(OSError):
            while time.monotonic() < stop:
                burst = [
                    http2.frame(http2.HEADERS, http2.END_HEADERS, each, http2.call(PREDICT))
                    + http2.frame(http2.DATA, http2.END_STREAM, each, http2.message(request()))
                    + http2.frame(http2.RST_STREAM, 0, each, b"\0\0\0\x08")
                    for each in range(stream, stream + 200, 2)
                ]
                stream += 200
                client.sendall(b"".join(burst))
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while client.recv(1 << 20):
                        pass
                client.settimeout(2)
    return stream // 2


@pytest.mark.long
def test_calls_with_incomplete_messages(server: AbusedServer) -> None:
    calls = b"".join(
        http2.frame(http2.HEADERS, http2.END_HEADERS, stream, http2.call(STATUS))
        + http2.frame(http2.DATA, 0, stream, b"\0\0\0\x01\0abc")
        for stream in range(1, 1000, 2)
    )
    with server.bounded_memory(CALLS_BYTES), contextlib.ExitStack() as clients:
        for _ in range(8):
            clients.enter_context(connect(server, calls))
        server.check()


def test_closed_connections_are_released(server: AbusedServer) -> None:
    """When the clients have closed their connections, the server has closed its sockets, too."""
    server.check()
    before = server.open_files()
    for _ in range(200):
        with connect(server), server.connect() as rest:
            rest.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1")
    eventually(lambda: server.open_files() <= before + 2)
