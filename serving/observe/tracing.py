"""OpenTelemetry spans: one for each request, a child of the client's where it sent a `traceparent`.

Needs the packages of `keras-gallery[tracing]`, which are imported only where --trace_endpoint is set. The SDK's own
environment variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …) are heeded.
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

EXPORT_SECONDS = 2
PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def traces_url(endpoint: str) -> str:
    """Where spans are sent: OTLP's usual path, unless `endpoint` names one.

    Raises:
        InvalidArgument: no HTTP address, or the packages are missing.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f"Expected --trace_endpoint as http://host:port. Received: {endpoint}")
    if not all(_is_there(package) for package in PACKAGES):
        raise InvalidArgument(
            "Expected keras-gallery[tracing] to be installed, for --trace_endpoint. Received: not there"
        )
    return parts._replace(path="/v1/traces").geturl() if parts.path in ("", "/") else endpoint


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # what it lies in is not there
        return False


class Tracer:
    """Sends spans to a collector, in a thread of its own; spans that it has no room for are dropped.

    Args:
        endpoint: as --trace_endpoint gives it. Errors as `traces_url`.
    """

    def __init__(self, endpoint: str) -> None:
        url = traces_url(endpoint)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # A collector that is away is worth a line a batch, not one for each try.
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
        """A span for a request that has just ended."""
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
        """Sends the spans that wait, unless that takes too long."""
        closing = threading.Thread(target=self._provider.shutdown, name="close tracer", daemon=True)
        closing.start()
        closing.join(EXPORT_SECONDS)


def _attributes(request: Observation) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {
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
        found["model.version"] = request.version
    return found
