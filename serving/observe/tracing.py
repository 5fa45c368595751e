"""OpenTelemetry traces, with one span for each request.

If the client sends the header `traceparent`, the span is a child of the client's span.

The packages of `keras-gallery[tracing]` are imported only if --trace_endpoint is set. The OpenTelemetry SDK's
environment variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …) apply.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
import threading
import time
from urllib.parse import urlsplit

from ..errors import InvalidArgument
from .observation import MAX_TEXT, Observation

EXPORT_SECONDS = 2  # time limit in seconds for sending spans
PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def traces_url(endpoint: str) -> str:
    """Returns the URL that receives the spans: `endpoint`, with the path /v1/traces if `endpoint` has no path.

    Raises:
        InvalidArgument: `endpoint` is not an HTTP address, or the packages for tracing are missing.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f"Expected --trace_endpoint as http://host:port. Received: {endpoint}")
    if not all(_is_installed(package) for package in PACKAGES):
        raise InvalidArgument("--trace_endpoint needs more packages: pip install '.[tracing]'")
    return parts._replace(path="/v1/traces").geturl() if parts.path in ("", "/") else endpoint


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


class Tracer:
    """Sends spans to a collector, in a thread. If the queue of spans is full, new spans are dropped.

    Args:
        endpoint: the value of --trace_endpoint.

    Raises:
        InvalidArgument: `endpoint` is not an HTTP address, or the packages for tracing are missing.
    """

    def __init__(self, endpoint: str) -> None:
        url = traces_url(endpoint)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # If the collector is unreachable, log one line for each batch of spans, not a line for each try.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
        version = importlib.metadata.version("keras-gallery")
        name = os.environ.get("OTEL_SERVICE_NAME", "gallery-model-server")
        resource = Resource.create({"service.name": name, "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)))
        self._tracer = self._provider.get_tracer("keras_gallery.serving", version)
        self._propagator = TraceContextTextMapPropagator()
        self._kind = SpanKind.SERVER
        self._error = Status(StatusCode.ERROR)

    def record(self, request: Observation) -> None:
        """Records a span for a request that has just finished."""
        end = time.time_ns()
        parent = self._propagator.extract({"traceparent": request.traceparent})
        start = end - round(request.seconds * 1e9)
        span = self._tracer.start_span(request.method, parent, self._kind, start_time=start)
        if span.is_recording():
            span.set_attributes(_attributes(request))
            if request.status != "OK":
                span.set_status(self._error)
        span.end(end)

    def close(self) -> None:
        """Sends the queued spans. Gives up after EXPORT_SECONDS."""
        closing = threading.Thread(target=self._provider.shutdown, name="close tracer", daemon=True)
        closing.start()
        closing.join(EXPORT_SECONDS)


def _attributes(request: Observation) -> dict[str, str | int | float]:
    attributes: dict[str, str | int | float] = {
        "rpc.system": "grpc" if request.face == "grpc" else "http",
        "rpc.method": request.method,
        "client.address": request.peer[:MAX_TEXT],
        "model.name": request.model[:MAX_TEXT],
        "model.signature": request.signature[:MAX_TEXT],
        "model.engine": request.engine,
        "model.runtime_seconds": request.runtime_seconds,
        "request.status": request.status,
        "request.rows": request.rows,
        "request.bytes": request.request_bytes,
        "response.bytes": request.response_bytes,
    }
    if request.version is not None:
        attributes["model.version"] = request.version
    return attributes
