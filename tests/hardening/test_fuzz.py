"""Tests with random requests over REST and gRPC. No request may cause an internal error or a traceback in the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ..random_inputs import random_inputs
from . import http2
from .abused import BODY, MODEL, PREDICT, AbusedServer, request

pytestmark = pytest.mark.long

PATH = f"/v1/models/{MODEL}:predict"
STATUSES = {100, 200, 400, 404, 408, 413, 429, 431, 501}

bounded = random_inputs(
    500, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def channel(server: AbusedServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Draws bytes from `whole`, then removes, inserts, inverts and repeats parts of the bytes."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 4))):
        start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 12))
        part = bytes(data[start : start + length])
        new = draw(st.sampled_from([b"", part * 2, bytes(255 - byte for byte in part)]) | st.binary(max_size=8))
        data[start : start + length] = new
    return bytes(data)


# === HTTP ===

_LINES = [
    b"Host: x", b"Content-Length: %d" % len(BODY), b"Content-Length: 0", b"Content-Length: 99999999999",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Encoding: gzip", b"Connection: close",
    b"Connection: upgrade", b"Upgrade: h2c", b"Expect: 100-continue", b"", b" folded", b"A:", b"A: " + b"b" * 5000,
]  # fmt: skip
_PATHS = [
    b"/",
    PATH.encode(),
    b"/v1/models/line",
    b"/v1/models/%2e%2e/metadata",
    b"*",
    b"http://x/v1/models/line",
    b"//",
    b"?",
    b"\xff",
]
_METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"PRI", b"get", b""]
_BODIES = [b"", BODY, b"1a\r\n%s\r\n0\r\n\r\n" % BODY[:26], b"0\r\n\r\n", b"\x1f\x8b\x08" + bytes(30), b"{", b"\0"]

http_requests = st.builds(
    lambda method, path, version, lines, end, body: b"\r\n".join([method + b" " + path + version, *lines]) + end + body,
    st.sampled_from(_METHODS),
    st.sampled_from(_PATHS),
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b""]),
    st.lists(st.sampled_from(_LINES), max_size=6),
    st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\n"]),
    st.sampled_from(_BODIES),
)


@bounded
@given(st.lists(damaged(http_requests), min_size=1, max_size=3).map(b"".join))
def test_http(server: AbusedServer, data: bytes) -> None:
    answer = server.tell(data)
    assert {int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)} <= STATUSES
    is_http2 = data.startswith(b"PRI * HTTP/2.0\r\n")  # the answer is then a frame of HTTP/2
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ") or is_http2


# === JSON ===

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just({"b64": "AAAA"})
    | st.just({"b64": 1})
)
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
_rows = st.lists(st.lists(st.integers() | st.floats(width=32), min_size=8, max_size=8), max_size=3)
bodies = st.dictionaries(
    st.sampled_from(["instances", "inputs", "signature_name", "examples", "context", "x"]),
    _values | _rows | st.just("serving_default") | st.builds(lambda rows: [{"x": row} for row in rows], _rows),
    max_size=3,
)  # fmt: skip


@bounded
@given(st.sampled_from(["predict", "classify", "regress"]), bodies, st.sampled_from(["", "/versions/1", "/labels/a"]))
def test_json(server: AbusedServer, action: str, body: Any, where: str) -> None:
    status, answer = server.rest("POST", f"/v1/models/{MODEL}{where}:{action}", json.dumps(body).encode())
    assert status in STATUSES
    assert isinstance(json.loads(answer), dict)


@bounded
@given(
    damaged(
        st.sampled_from(
            [BODY, b'{"inputs":{"x":[[1e5,-0.0,NaN,Infinity,1E-400,0x1,1.,.1]]}}', b"[" * 2000, b'{"a":"\\ud800"}']
        )
    )
)
def test_json_text(server: AbusedServer, body: bytes) -> None:
    status, _ = server.rest("POST", PATH, body)
    assert status in STATUSES


# === gRPC ===

_CALLS = [
    "PredictionService/Predict",
    "PredictionService/Classify",
    "PredictionService/Regress",
    "PredictionService/MultiInference",
    "PredictionService/GetModelMetadata",
    "ModelService/GetModelStatus",
]
_spec = b"\x0a\x06\x0a\x04line"
_example = b"\x12\x15\x0a\x13\x0a\x11\x0a\x0f\x0a\x0d\x0a\x01x\x12\x08\x12\x06\x0a\x04\0\0\0\0"
messages = damaged(
    st.sampled_from([request(), _spec, _spec + _example, b"\x0a" + bytes([len(_spec)]) + _spec])
) | st.binary(max_size=40)


@bounded
@given(st.sampled_from(_CALLS), messages)
def test_messages(channel: grpc.Channel, method: str, data: bytes) -> None:
    try:
        channel.unary_unary("/tensorflow.serving." + method)(data, timeout=60)
    except grpc.RpcError as error:
        code, details = error.code(), error.details()  # type: ignore[attr-defined]
        assert code is not grpc.StatusCode.UNKNOWN
        assert code is not grpc.StatusCode.INTERNAL or details == ""  # "" for malformed messages


frames = st.builds(
    http2.frame,
    st.integers(0, 11),
    st.sampled_from([0, 1, 4, 5, 8, 32, 255]),
    st.sampled_from([0, 1, 1, 1, 2, 3, (1 << 31) - 1]),
    st.sampled_from([
        b"", bytes(4), bytes(5), bytes(8), http2.call(PREDICT), http2.call("/a"), http2.message(request()),
        http2.message(request())[:-1], b"\0\4\0\0\0\0", b"\0\4\xff\xff\xff\xff", b"\x7f\xff\xff\xff",
    ])
    | st.binary(max_size=40),
)  # fmt: skip


@bounded
@given(damaged(st.lists(frames, max_size=8).map(b"".join)))
def test_frames(server: AbusedServer, data: bytes) -> None:
    with server.connect(rest=False) as client:
        client.sendall(http2.start() + data)
        client.recv(1 << 16)
