"""The API layer reports each request to an `Observer`, which counts the request, logs it and traces it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from ..errors import ResourceExhausted
from . import request_log
from .metrics import Metrics
from .observation import Observation
from .request_log import RequestLog
from .tracing import Tracer


class Sink(Protocol):
    """Stores finished requests, for example in a log."""

    def record(self, request: Observation) -> None:
        """Stores a finished request. Never blocks and never raises."""

    def close(self) -> None:
        """Writes the requests that are not yet written."""


class Observer:
    """Counts and stores the requests of a process. Request handlers call it on the event loop's thread:

        request = Observation("grpc", "Predict")         # filled in while the request is answered
        observer.begin(request)                          # in a `try` block: raises if too many requests wait
        if observer.detailed: request.read_headers(…)    # only if the log or the tracer needs these details
        observer.record(request)                         # always, even if `begin` was not called or has raised

    Args:
        metrics: the metrics, always updated.
        sinks: the request log, the tracer, both or none.
        max_pending: the maximum number of requests that wait or run in this process.

    Attributes:
        detailed: whether a sink needs the client's address, the request id and the trace.
        record: stores a finished request. Without sinks this is `metrics.record` itself, for speed.
    """

    def __init__(self, metrics: Metrics, *sinks: Sink, max_pending: int = 1024) -> None:
        self.metrics = metrics
        self.detailed = bool(sinks)
        self._sinks = sinks
        self._max_pending = max_pending
        self.record: Callable[[Observation], None] = self._record_all if sinks else metrics.record

    def begin(self, request: Observation) -> None:
        """Counts a new request as pending.

        Raises ResourceExhausted if too many requests wait or run. The caller must `record` the request even then.
        """
        request.is_pending = True
        self.metrics.pending += 1
        if self.metrics.pending > self._max_pending:
            limit = self._max_pending
            raise ResourceExhausted(f"Too many requests in progress: {limit} (limit --max_pending_requests={limit}).")

    def _record_all(self, request: Observation) -> None:
        self.metrics.record(request)
        for sink in self._sinks:
            sink.record(request)

    def close(self) -> None:
        """Writes the requests that are not yet written."""
        for sink in self._sinks:
            sink.close()


def check(values: argparse.Namespace) -> None:
    """Checks the flags of the request log and the tracer.

    Raises InvalidArgument if the request log can't be written, the trace endpoint is not an HTTP address, or the
    packages for tracing are missing.
    """
    if values.request_log:
        request_log.check(values.request_log)
    observer_of(values).close()


def observer_of(values: argparse.Namespace, process: str = "server") -> Observer:
    """Returns an observer with the request log and the tracer that the flags enable.

    Args:
        values: the flags.
        process: this process's name in the metrics.

    Raises:
        InvalidArgument: the trace endpoint is not an HTTP address, or the packages for tracing are missing.
    """
    metrics = Metrics(process)
    sinks: list[Sink] = []
    if values.trace_endpoint:
        sinks.append(Tracer(values.trace_endpoint))
    if values.request_log:
        sinks.append(RequestLog(values.request_log, metrics))
    return Observer(metrics, *sinks, max_pending=values.max_pending_requests)
