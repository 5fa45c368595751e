"""Tests of the observer: counting requests in progress, and passing each request to the sinks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.observe.observation import MAX_TEXT, Observation
from keras_gallery.serving.observe.observer import Observer, check, observer_of


def begun(observer: Observer, status: str = "OK") -> Observation:
    """Returns the record of a request that counts as pending."""
    request = Observation("grpc", "Predict", "m", status=status)
    observer.begin(request)
    return request


class Sink:
    def __init__(self) -> None:
        self.requests: list[Observation] = []
        self.closed = False

    def record(self, request: Observation) -> None:
        self.requests.append(request)

    def close(self) -> None:
        self.closed = True


def pending(observer: Observer) -> object:
    return observer.metrics.snapshot()["keras_gallery:requests_pending"][()]


def test_too_many_requests_in_progress() -> None:
    observer = Observer(Metrics(), max_pending=2)
    first, second = begun(observer), begun(observer)
    rejected = Observation("grpc", "Predict", "m", status="RESOURCE_EXHAUSTED")
    with pytest.raises(
        ResourceExhausted, match=r"^Too many requests in progress: 2 \(limit --max_pending_requests=2\)\.$"
    ):
        observer.begin(rejected)
    observer.record(rejected)
    assert pending(observer) == 2
    observer.record(first)
    third = begun(observer)
    observer.record(second)
    observer.record(third)
    assert pending(observer) == 0


def test_a_request_that_ends_before_it_is_complete_was_never_pending() -> None:
    observer = Observer(Metrics(), max_pending=1)
    running = begun(observer)
    observer.record(Observation("grpc", "Predict", status="CANCELLED"))
    assert pending(observer) == 1
    observer.record(running)
    assert pending(observer) == 0


def test_all_sinks_get_each_request() -> None:
    sinks = Sink(), Sink()
    observer = Observer(Metrics(), *sinks)
    assert observer.detailed and not Observer(Metrics()).detailed
    request = begun(observer)
    observer.record(request)
    observer.close()
    assert [(sink.requests, sink.closed) for sink in sinks] == [([request], True)] * 2
    assert observer.metrics.snapshot()[":tensorflow:serving:request_count"] == {("m", "OK"): 1}
    assert pending(observer) == 0


def test_reading_the_headers_of_rest_and_grpc_requests() -> None:
    http, grpc = Observation("rest", "Predict"), Observation("grpc", "Predict")
    http.read_headers([(b"host", b"x"), (b"x-request-id", b"a\xff"), (b"traceparent", b"00-t")])
    grpc.read_headers([("x-bin", b"\x00"), ("x-request-id", "i" * 10_000), ("traceparent", "00-t")])
    assert (http.request_id, http.traceparent) == ("aÿ", "00-t")
    assert (grpc.request_id, grpc.traceparent) == ("i" * MAX_TEXT, "00-t")


def test_flags_configure_the_observer(tmp_path: Path) -> None:
    base = "--model_base_path=/m"
    assert not observer_of(flags.parse([base])).detailed
    log = tmp_path / "log"
    observer = observer_of(flags.parse([base, f"--request_log={log}", "--max_pending_requests=1"]), "worker 1")
    request = begun(observer)
    with pytest.raises(ResourceExhausted):
        begun(observer)
    observer.record(request)
    observer.close()
    assert json.loads(log.read_text())["model"] == "m"
    assert "worker 1" in observer.metrics.processes
    with pytest.raises(InvalidArgument, match="--trace_endpoint"):
        observer_of(flags.parse([base, "--trace_endpoint=nowhere"]))
    with pytest.raises(InvalidArgument, match="--request_log"):
        check(flags.parse([base, f"--request_log={tmp_path}"]))
