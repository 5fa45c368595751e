"""Tests of gRPC calls over the real server: how calls end, headers, and memory. The models are Python functions.

The client is the official one. curl and plain sockets send the requests that the official client does not send.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from keras_gallery.serving.api.grpc import application
from keras_gallery.serving.engines.base import Arrays, raise_in_event_loop
from keras_gallery.serving.errors import NotFound
from keras_gallery.serving.wire import messages, predict
from keras_gallery.serving.wire.model_spec import ModelSpec

from ....hardening import http2
from ....random_inputs import random_inputs
from ...fake_models import definition, signatures
from ..front_server import SECONDS, FrontServer, refusal

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GRPC = "content-type: application/grpc"
LARGE = np.random.default_rng(0).random((1, 1 << 18), np.float32)  # 1 MiB


class Slow:
    """A model that waits until `leave` is set."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, inputs: Arrays) -> Mapping[str, Any]:
        raise_in_event_loop()
        self.entered.set()
        assert self.leave.wait(SECONDS)
        return {"y": inputs["x"]}


def fail(_: Arrays) -> Mapping[str, Any]:
    raise RuntimeError("why")


SLOW = Slow()
SIGNATURES = signatures(
    (definition("same", {"x": "float"}, {"y": "float"}), lambda inputs: {"y": inputs["x"]}),
    (definition("slow", {"x": "float"}, {"y": "float"}), SLOW),
    (definition("bug", {"x": "float"}, {"y": "float"}), fail),
)
X = np.ones((1, 2), np.float32)


@pytest.fixture(scope="module")
def server() -> Iterator[FrontServer]:
    with FrontServer(SIGNATURES, Refusing(), health=True) as running:
        yield running


@pytest.fixture(autouse=True)
def all_memory_is_returned(request: pytest.FixtureRequest) -> Iterator[None]:
    """Checks after each test that no call is in progress, and that no call holds memory."""
    SLOW.entered.clear()
    SLOW.leave.clear()
    yield
    SLOW.leave.set()
    if "server" in request.fixturenames:
        server: FrontServer = request.getfixturevalue("server")
        server.until(lambda: not server.pending and not server.budget.used)


def message(signature: str, x: Any = X) -> bytes:
    return predict.encode_request(ModelSpec("m", signature=signature), {"x": x})


def output(answer: bytes) -> list[float]:
    return list(messages.PredictResponse.FromString(answer).outputs["y"].float_val)


def start(server: FrontServer, x: Any = X, timeout: float | None = SECONDS, **options: Any) -> Any:
    """Starts a call of the slow model, and waits until the model runs."""
    call = server.channel.unary_unary(PREDICT).future(message("slow", x), timeout=timeout, **options)
    assert SLOW.entered.wait(SECONDS)
    return call


# === Ends of calls ===


@pytest.mark.parametrize("x", [X, LARGE], ids=["small", "large"])
def test_answers(server: FrontServer, x: Any) -> None:
    assert output(server.call(PREDICT, message("same", x))) == x.ravel().tolist()
    server.seen(signature="same", status="OK", request_bytes=len(message("same", x)))


def test_a_call_without_a_message_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(application, "BODY_SECONDS", 0.1)
    never = threading.Event()

    def no_message() -> Iterator[bytes]:
        never.wait(SECONDS)
        yield from ()

    with FrontServer(SIGNATURES) as server:
        call = server.channel.stream_unary(PREDICT).future(no_message(), timeout=SECONDS)
        error = call.exception()
        never.set()
        assert (error.code().name, error.details()) == (
            "DEADLINE_EXCEEDED",
            "The request was not complete within 0.1 s.",
        )
        server.seen(method="Predict", status="DEADLINE_EXCEEDED")
        assert output(server.call(PREDICT, message("same"))) == [1, 1]


def test_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a Unix socket must be short
    with FrontServer(SIGNATURES, unix="s") as server:
        with grpc.insecure_channel("unix:s") as channel:
            assert output(channel.unary_unary(PREDICT)(message("same"), timeout=SECONDS)) == [1, 1]
        assert server.seen(signature="same").peer == "unix:0"
        assert output(server.call(PREDICT, message("same"))) == [1, 1]
        server.stop()
        with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
            client.connect("s")


@pytest.mark.parametrize("x", [X, LARGE], ids=["small", "large"])
def test_a_cancelled_call(server: FrontServer, x: Any) -> None:
    call = start(server, x)
    assert (server.budget.used > 0) == (x is LARGE)
    call.cancel()
    assert server.ended.wait(SECONDS), "the method ends although the model still runs"
    seen = server.seen(signature="slow", status="CANCELLED", request_bytes=len(message("slow", x)))
    assert seen.seconds > 0 and not SLOW.leave.is_set()


def test_a_deadline(server: FrontServer) -> None:
    def ended() -> int:
        # The client may reset the stream a little before the server's deadline.
        late = ("DEADLINE_EXCEEDED", "CANCELLED")
        return sum(each.signature == "slow" and each.status in late for each in server._requests)

    before = ended()
    call = start(server, timeout=0.2)
    assert call.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.ended.wait(SECONDS)
    server.until(lambda: ended() > before)


def test_the_server_keeps_the_deadline_itself(server: FrontServer) -> None:
    body = http2.message(message("slow"))
    _, fields = curl(server, GRPC, "grpc-timeout: 200m", body=body)
    assert (fields["grpc-status"], fields["grpc-message"]) == ("4", "Deadline Exceeded")
    server.seen(signature="slow", status="DEADLINE_EXCEEDED")
    body = http2.message(message("same"))
    assert curl(server, GRPC, "grpc-timeout: 20S", body=body)[1]["grpc-status"] == "0"


def test_an_invalid_timeout(server: FrontServer) -> None:
    _, fields = curl(server, GRPC, "grpc-timeout: 1")
    assert fields["grpc-status"] == "3" and fields["grpc-message"].startswith("The header grpc-timeout must be up to ")


def test_a_deadline_before_the_message_is_complete(server: FrontServer) -> None:
    with Raw(server, http2.message(message("same"))[:20], (b"grpc-timeout", b"100m"), ends=False):
        server.seen(method="Predict", status="DEADLINE_EXCEEDED", model="", is_pending=False)


def test_a_client_that_disconnects_during_the_run(server: FrontServer) -> None:
    large = message("slow", LARGE[:, :9000])
    with Raw(server, http2.message(large)):
        assert SLOW.entered.wait(SECONDS)
    assert server.ended.wait(SECONDS)
    server.seen(signature="slow", status="CANCELLED", request_bytes=len(large))


def test_a_client_that_disconnects_before_the_message_is_complete(server: FrontServer) -> None:
    with Raw(server, http2.message(message("same", LARGE))[:30_000], ends=False):
        server.until(lambda: server.budget.used)
    server.seen(method="Predict", status="CANCELLED", model="", is_pending=False)


def test_a_large_call_holds_memory_until_the_client_has_read_the_answer(server: FrontServer) -> None:
    large = message("same", LARGE[:, :20_000])
    no_window = http2.PREFACE + http2.frame(http2.SETTINGS, payload=b"\0\4\0\0\0\0")
    with Raw(server, http2.message(large), start=no_window):
        server.until(lambda: server.budget.used > 1.9 * len(large))  # the request and the answer
        assert server.pending == 0  # a client that reads slowly does not keep others from being served
    server.seen(signature="same", status="OK", request_bytes=len(large))


def test_errors_of_the_model(server: FrontServer) -> None:
    assert refusal(server, PREDICT, message("bug", LARGE)) == ("INTERNAL", "RuntimeError: why")
    server.seen(signature="bug", status="INTERNAL")


def test_a_message_that_is_too_large() -> None:
    with FrontServer(SIGNATURES, arguments=["--max_request_bytes=1000"]) as server:
        assert output(server.call(PREDICT, message("same"))) == [1, 1]
        size = len(message("same", LARGE))
        expected = "RESOURCE_EXHAUSTED", f"Received message larger than max ({size} vs. 1000)"
        assert refusal(server, PREDICT, message("same", LARGE)) == expected
        server.seen(status="RESOURCE_EXHAUSTED")
        server.until(lambda: not server.budget.used)
    option = "grpc.max_receive_message_length=500"
    with FrontServer(SIGNATURES, arguments=[f"--grpc_channel_arguments={option}"]) as server:
        assert refusal(server, PREDICT, message("same", LARGE))[1].endswith("vs. 500)")


def test_too_many_calls_in_progress() -> None:
    with FrontServer(SIGNATURES, max_pending=1) as server:
        call = start(server)
        code, details = refusal(server, PREDICT, message("same"))
        assert code == "RESOURCE_EXHAUSTED" and details.startswith("Too many requests in progress: 1 ")
        SLOW.leave.set()
        assert output(call.result()) == [1, 1]
        server.until(lambda: not server.pending)
        assert output(server.call(PREDICT, message("same"))) == [1, 1]


def test_the_memory_budget_is_used_up() -> None:
    with FrontServer(SIGNATURES, budget=2 << 20) as server:
        call = start(server, LARGE)
        expected = "RESOURCE_EXHAUSTED", "The memory budget for requests is used up. Retry later."
        assert refusal(server, PREDICT, message("same", LARGE)) == expected
        assert output(server.call(PREDICT, message("same"))) == [1, 1]
        SLOW.leave.set()
        assert len(output(call.result())) == LARGE.size
        server.until(lambda: not server.budget.used)
        assert len(output(server.call(PREDICT, message("same", LARGE)))) == LARGE.size


class Refusing:
    """The control of a server that answers each status request with an error. The name of the model is the message."""

    async def status(self, name: str, version: int | None = None) -> Any:
        raise NotFound(name)


@random_inputs(150)
@given(st.text(max_size=30) | st.text(" %~\x7f\n\0é🎈", max_size=8))
@example(" both ends ")
@example("")
@example("100 %, 50%25")
def test_the_official_client_reads_every_status_message(server: FrontServer, text: str) -> None:
    request = messages.GetModelStatusRequest(model_spec={"name": text})
    assert refusal(server, "/tensorflow.serving.ModelService/GetModelStatus", request) == ("NOT_FOUND", text)


# === The end of the server ===


def test_calls_that_last_too_long_are_ended_when_the_server_stops() -> None:
    with FrontServer(SIGNATURES, arguments=["--shutdown_grace_seconds=1"]) as server:
        call = start(server, LARGE)
        server.start_stopping()
        error = call.exception()
        assert (error.code(), error.details()) == (grpc.StatusCode.UNAVAILABLE, "The server is stopping.")
        server.seen(signature="slow", status="UNAVAILABLE")
        SLOW.leave.set()
        server.stop()
        assert not server.budget.used and not server.pending


def test_calls_in_progress_are_answered_when_the_server_stops() -> None:
    with FrontServer(SIGNATURES, arguments=["--shutdown_grace_seconds=20"]) as server:
        call = start(server)
        server.start_stopping()
        deadline = time.monotonic() + SECONDS
        while refused_connections(server) == 0:  # the server closes the port first
            assert time.monotonic() < deadline
        SLOW.leave.set()
        assert output(call.result()) == [1, 1]
        server.stop()


def refused_connections(server: FrontServer) -> int:
    try:
        socket.create_connection(("127.0.0.1", server.grpc_port), timeout=SECONDS).close()
    except OSError:
        return 1
    return 0


# === Requests that the official client does not send ===


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto", "application/grpc;x=y"])
def test_content_types(server: FrontServer, content_type: str) -> None:
    status, fields = curl(server, f"content-type: {content_type}", body=http2.message(message("same")))
    assert (status, fields["content-type"], fields["grpc-status"]) == (200, "application/grpc", "0")
    assert "grpc-message" not in fields


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;application/grpc", ""])
def test_requests_that_are_not_grpc(server: FrontServer, content_type: str) -> None:
    status, fields = curl(server, f"content-type: {content_type}")
    assert (status, fields["content-type"]) == (415, "text/plain") and "grpc-status" not in fields
    assert server.pending == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_http_methods(server: FrontServer, method: str) -> None:
    status, fields = curl(server, "content-type: application/grpc", method=method)
    assert status == 415 and "grpc-status" not in fields


def test_requests_over_http_1(server: FrontServer) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{server.grpc_port}/")
    assert output(server.call(PREDICT, message("same"))) == [1, 1]


def test_the_header_te_is_missing(server: FrontServer) -> None:
    status, fields = curl(server, GRPC, te=None)
    assert (status, fields["grpc-status"]) == (200, "13")
    assert fields["grpc-message"] == "The header `te: trailers` is missing."


def test_unknown_methods_have_no_message(server: FrontServer) -> None:
    for path in ("/tensorflow.serving.PredictionService/Nothing", "/", PREDICT + "/", PREDICT.lower()):
        status, fields = curl(server, GRPC, path=path)
        assert (status, fields["grpc-status"], fields["grpc-message"]) == (200, "12", "")


def test_unknown_compression(server: FrontServer) -> None:
    _, fields = curl(server, GRPC, "grpc-encoding: snappy")
    assert fields["grpc-status"] == "12" and fields["grpc-message"].startswith("Unknown compression ")
    assert fields["grpc-accept-encoding"] == "identity, deflate, gzip"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate, None])
def test_compressed_calls(server: FrontServer, compression: grpc.Compression | None) -> None:
    x = np.random.default_rng(0).random(LARGE.shape, np.float32)
    answer = server.channel.unary_unary(PREDICT)(message("same", x), timeout=SECONDS, compression=compression)
    assert output(answer) == x.ravel().tolist()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The request has no message."),
        (b"\0\0", "The request ended before the end of its message."),
        (http2.message(message("same"))[:-1], "The request ended before the end of its message."),
        (http2.message(message("same"), packed=True), "Compressed message without the header grpc-encoding."),
    ],
)
def test_incomplete_messages(server: FrontServer, body: bytes, text: str) -> None:
    _, fields = curl(server, GRPC, body=body)
    assert (fields["grpc-status"], fields["grpc-message"]) == ("13", text)


def test_a_second_message_is_ignored(server: FrontServer) -> None:
    _, fields = curl(server, GRPC, body=http2.message(message("same")) + http2.message(b"\xff"))
    assert fields["grpc-status"] == "0"


def curl(
    server: FrontServer,
    *headers: str,
    te: str | None = "te: trailers",
    path: str = PREDICT,
    method: str = "POST",
    body: bytes = b"",
) -> tuple[int, dict[str, str]]:
    """Sends a call with curl. Returns the HTTP status, and the headers and trailers of the answer.

    If the server answers before it has read the body, `body` must be empty: curl loses such answers at times.
    """
    command = ["curl", "--silent", "--http2-prior-knowledge", "--request", method, "--dump-header", "-"]
    command += ["--output", "/dev/null", f"http://127.0.0.1:{server.grpc_port}{path}"]
    command += ["--data-binary", "@-"] if body else []
    for header in (te, *headers):
        command += ["--header", header] if header else []
    done = subprocess.run(command, input=body, capture_output=True, check=True, timeout=SECONDS)
    first, *lines = filter(None, done.stdout.decode().splitlines())
    fields = dict(line.split(":", 1) for line in lines)
    return int(first.split()[1]), {name: value.strip() for name, value in fields.items()}


class Raw:
    """A connection with one call. The message may be incomplete."""

    def __init__(
        self,
        server: FrontServer,
        data: bytes,
        *headers: tuple[bytes, bytes],
        ends: bool = True,
        start: bytes | None = None,
    ) -> None:
        parts = [data[at : at + 16_000] for at in range(0, len(data), 16_000)]
        frames = [http2.frame(http2.DATA, 0, 1, part) for part in parts]
        if ends:
            frames.append(http2.frame(http2.DATA, http2.END_STREAM, 1))
        fields = http2.call(PREDICT, *headers)
        start = (start or http2.start()) + http2.frame(http2.HEADERS, http2.END_HEADERS, 1, fields)
        self._socket = socket.create_connection(("127.0.0.1", server.grpc_port), timeout=SECONDS)
        self._socket.sendall(start + b"".join(frames))

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
