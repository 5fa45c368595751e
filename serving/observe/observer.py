"""The one thing that the faces tell of each request: metrics, request log and traces are kept behind it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from ..errors import ResourceExhausted
from .metrics import Metrics
from .observation import Observation
from .request_log import RequestLog
from .tracing import Tracer


class Sink(Protocol):
    """Something that keeps requests, one by one: a log, a tracer."""

    def record(self, request: Observation) -> None:
        """Keeps it; never waits, never raises."""

    def close(self) -> None:
        """Writes what is still to be written."""


class Observer:
    """Told of the beginning and the end of each request, on the event loop's thread:

        observer.begin()                                 # in a `try`, since it may refuse the request
        request = Observation("grpc", "Predict")         # filled in on the way
        if observer.detailed: request.read_headers(…)    # peer, request id, trace: only where they are wanted
        observer.record(request)                         # in any case, at the end

    Args:
        metrics: always kept.
        sinks: kept where a flag asks for them.
        max_pending: how many requests may wait or run in this process.

    Attributes:
        detailed: whether someone wants to know the client, the request id, the trace.
        record: ends a request; with metrics alone it is theirs, so that there is nothing between.
    """

    def __init__(self, metrics: Metrics, *sinks: Sink, max_pending: int = 1024) -> None:
        self.metrics = metrics
        self.detailed = bool(sinks)
        self._sinks = sinks
        self._max_pending = max_pending
        self.record: Callable[[Observation], None] = self._record_all if sinks else metrics.record

    def begin(self) -> None:
        """Begins a request. Raises ResourceExhausted where too many wait or run; it is to be recorded all the same."""
        self.metrics.pending += 1
        if self.metrics.pending > self._max_pending:
            raise ResourceExhausted(f"Expected at most {self._max_pending} requests at a time. Received: one more")

    def _record_all(self, request: Observation) -> None:
        self.metrics.record(request)
        for sink in self._sinks:
            sink.record(request)

    def close(self) -> None:
        """Writes what is still to be written."""
        for sink in self._sinks:
            sink.close()


def observer_of(values: argparse.Namespace, process: str = "server") -> Observer:
    """The observer that the flags ask for.

    Args:
        values: the flags.
        process: this process's name in the metrics.

    Raises:
        InvalidArgument: the request log can't be opened, there is no such trace endpoint, or its packages are missing.
    """
    metrics = Metrics(process)
    sinks: list[Sink] = []
    if values.trace_endpoint:
        sinks.append(Tracer(values.trace_endpoint))
    if values.request_log:
        sinks.append(RequestLog(values.request_log, metrics))
    return Observer(metrics, *sinks, max_pending=values.max_pending_requests)
