"""Tests of tracing: the spans that a collector receives."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.observe.observation import Observation
from keras_gallery.serving.observe.tracing import Tracer, traces_url
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUEST = Observation(
    "grpc", "Predict", "m", 3, "serving_default", "OK", 0.25, 0.125, "openvino", 4, 8, 100, 200, "peer"
)


class Collector:
    """A fake OTLP collector over HTTP. Records the spans that it receives."""

    def __init__(self) -> None:
        self.resources: list[Any] = []
        self.spans: list[Any] = []
        self.paths: list[str] = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.append(self.path)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.resources.append(attributes(resource.resource))
                    for scope in resource.scope_spans:
                        collector.spans.extend(scope.spans)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"


def attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    fake = Collector()
    thread = threading.Thread(target=fake.server.serve_forever, args=(0.01,))
    thread.start()
    yield fake
    fake.server.shutdown()
    thread.join()
    fake.server.server_close()


def test_a_request_is_a_span(collector: Collector) -> None:
    tracer = Tracer(collector.endpoint)
    before = time.time_ns()
    tracer.record(REQUEST)
    tracer.close()
    (span,), (resource,) = collector.spans, collector.resources
    assert collector.paths == ["/v1/traces"]
    assert resource["service.name"] == "gallery-model-server"
    assert (span.name, span.kind) == ("Predict", span.SPAN_KIND_SERVER)
    assert before <= span.end_time_unix_nano <= time.time_ns()
    assert span.end_time_unix_nano - span.start_time_unix_nano == 250_000_000
    assert not span.parent_span_id
    assert span.status.code == span.status.STATUS_CODE_UNSET
    assert attributes(span) == {
        "rpc.system": "grpc",
        "rpc.method": "Predict",
        "client.address": "peer",
        "model.name": "m",
        "model.version": 3,
        "model.signature": "serving_default",
        "model.engine": "openvino",
        "model.runtime_seconds": 0.125,
        "request.status": "OK",
        "request.rows": 4,
        "request.bytes": 100,
        "response.bytes": 200,
    }


def test_a_failed_request(collector: Collector) -> None:
    tracer = Tracer(collector.endpoint + "/")
    tracer.record(Observation("rest", "Predict", "m" * 1000, status="NOT_FOUND"))
    tracer.close()
    (span,) = collector.spans
    span_attributes = attributes(span)
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert (span_attributes["rpc.system"], span_attributes["request.status"], len(span_attributes["model.name"])) == (
        "http",
        "NOT_FOUND",
        256,
    )
    assert "model.version" not in span_attributes


@pytest.mark.parametrize(
    ("traceparent", "trace", "parent", "number"),
    [
        (f"00-{TRACE}-{PARENT}-01", TRACE, PARENT, 1),
        (f"00-{TRACE}-{PARENT}-00", TRACE, PARENT, 0),  # the client's sampling flag is 0, so the server sends no span
        (f"00-{'0' * 32}-{PARENT}-01", None, "", 1),
        ("nonsense", None, "", 1),
        ("", None, "", 1),
    ],
)
def test_spans_belong_to_the_trace_of_the_client(
    collector: Collector, traceparent: str, trace: str | None, parent: str, number: int
) -> None:
    request = replace(REQUEST)
    request.read_headers([("user-agent", "x"), (b"traceparent", traceparent.encode())])
    tracer = Tracer(collector.endpoint)
    tracer.record(request)
    tracer.close()
    assert len(collector.spans) == number
    for span in collector.spans:
        assert span.parent_span_id.hex() == parent
        assert trace is None or span.trace_id.hex() == trace
        assert span.trace_id != bytes(16)


@pytest.mark.long
def test_an_unreachable_collector_does_not_delay_closing() -> None:
    tracer = Tracer("http://127.0.0.1:9")
    for _ in range(5000):
        tracer.record(REQUEST)
    started = time.monotonic()
    tracer.close()
    assert time.monotonic() - started < 10  # without a limit, the exporter would retry for half a minute


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://host:4317", "http://", "words", "http://:5"])
def test_invalid_endpoints(endpoint: str) -> None:
    with pytest.raises(InvalidArgument, match="Expected --trace_endpoint as http://host:port. Received: "):
        Tracer(endpoint)


def test_the_default_path_of_an_endpoint() -> None:
    assert traces_url("https://host/otlp/v1/traces?x=1") == "https://host/otlp/v1/traces?x=1"
    assert traces_url("https://host:4318") == "https://host:4318/v1/traces"


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter"])
def test_missing_packages(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in [name for name in sys.modules if name == missing or name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InvalidArgument, match=r"^--trace_endpoint needs more packages: pip install '.\[tracing\]'"):
        Tracer("http://localhost:4318")


def test_opentelemetry_is_not_imported_without_the_flag() -> None:
    program = "import sys, keras_gallery.serving.observe.tracing; assert 'opentelemetry' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
