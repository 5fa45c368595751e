"""Tests of the metrics, and of the Prometheus page that shows the metrics."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus, version_states
from keras_gallery.serving.observe import prometheus
from keras_gallery.serving.observe.metrics import MAX_SERIES, Metrics, process_usage
from keras_gallery.serving.observe.observation import Observation
from prometheus_client.parser import text_string_to_metric_families

# The metrics that TensorFlow Serving shows after its start.
TENSORFLOW_SERVING = """
# TYPE :tensorflow:cc:saved_model:load_attempt_count counter
# TYPE :tensorflow:cc:saved_model:load_latency counter
# TYPE :tensorflow:cc:saved_model:load_latency_by_stage histogram
# TYPE :tensorflow:core:direct_session_runs counter
# TYPE :tensorflow:core:graph_run_time_usecs counter
# TYPE :tensorflow:core:graph_runs counter
# TYPE :tensorflow:core:session_created gauge
# TYPE :tensorflow:serving:batching:mixed_priority_batching_policy gauge
# TYPE :tensorflow:serving:batching:padding_size_v2 histogram
# TYPE :tensorflow:serving:batching:processed_batch_size_v2 counter
# TYPE :tensorflow:serving:batching_session:queuing_latency histogram
# TYPE :tensorflow:serving:batching_session:wrapped_run_count counter
# TYPE :tensorflow:serving:mlmd_map gauge
# TYPE :tensorflow:serving:model_warmup_latency histogram
# TYPE :tensorflow:serving:model_warmup_records_read counter
# TYPE :tensorflow:serving:request_count counter
# TYPE :tensorflow:serving:request_example_count_total counter
# TYPE :tensorflow:serving:request_example_counts histogram
# TYPE :tensorflow:serving:request_latency histogram
# TYPE :tensorflow:serving:request_log_count counter
# TYPE :tensorflow:serving:runtime_latency histogram
"""

PREDICT = Observation(
    "grpc", "Predict", "m", 3, "serving_default", seconds=0.001, runtime_seconds=0.0005, engine="openvino"
)


def samples(snapshot: prometheus.Snapshot) -> dict[tuple[Any, ...], float]:
    """Returns the values on the page, by metric name and labels. The parser is that of the Prometheus client."""
    values = {}
    written = prometheus.text(snapshot)
    page_names = {line.partition("{")[0] for line in written.splitlines()}
    for family in text_string_to_metric_families(written):
        for sample in family.samples:
            # The parser appends _total to every counter, as in OpenMetrics.
            name = sample.name if sample.name in page_names else sample.name.removesuffix("_total")
            key = (name, *sample.labels.values())
            assert key not in values
            values[key] = sample.value
    return values


def page(*requests: Observation) -> dict[tuple[Any, ...], float]:
    metrics = Metrics()
    for request in requests:
        metrics.record(request)
    return samples(metrics.snapshot())


def test_an_idle_server_shows_all_metrics_of_tensorflow_serving() -> None:
    lines = prometheus.text({}).splitlines()
    assert set(TENSORFLOW_SERVING.strip().splitlines()) <= set(lines)
    assert len(lines) == len(set(lines)) == len(prometheus.FAMILIES)


def test_a_request_over_grpc() -> None:
    values = page(PREDICT)
    assert values[":tensorflow:serving:request_count", "m", "OK"] == 1
    assert values[":tensorflow:serving:request_latency_count", "m", "Predict", "GRPC"] == 1
    assert values[":tensorflow:serving:request_latency_sum", "m", "Predict", "GRPC"] == pytest.approx(1000)
    assert values[":tensorflow:serving:runtime_latency_sum", "m", "Predict", "TF1"] == pytest.approx(500)
    assert values["keras_gallery:requests_total", "grpc", "Predict", "m", "3", "serving_default", "openvino", "OK"] == 1
    assert values["keras_gallery:runtime_latency_count", "m", "3", "serving_default", "openvino"] == 1
    assert values[":tensorflow:core:graph_runs",] == 1
    assert not [key for key in values if "example" in key[0]]  # these metrics count only requests with tf.Examples


def test_a_request_over_rest() -> None:
    values = page(replace(PREDICT, face="rest"), replace(PREDICT, face="rest"), PREDICT)
    assert values[":tensorflow:serving:request_latency_count", "m", "predict", "REST"] == 2
    assert values[":tensorflow:serving:request_latency_count", "m", "Predict", "GRPC"] == 1
    assert values[":tensorflow:serving:request_count", "m", "OK"] == 3
    assert values[":tensorflow:serving:runtime_latency_count", "m", "Predict", "TF1"] == 3


def test_failed_requests_are_counted_by_status() -> None:
    values = page(replace(PREDICT, status="INVALID_ARGUMENT"), replace(PREDICT, model="x", status="NOT_FOUND"), PREDICT)
    counts = {key[1:]: value for key, value in values.items() if key[0] == ":tensorflow:serving:request_count"}
    assert counts == {("m", "OK"): 1, ("m", "INVALID_ARGUMENT"): 1, ("x", "NOT_FOUND"): 1}
    assert values[":tensorflow:serving:request_latency_count", "m", "Predict", "GRPC"] == 1


def test_requests_without_inference_are_only_in_our_own_metrics() -> None:
    values = page(
        Observation("grpc", "GetModelStatus", "m"), Observation("rest", "GetModelMetadata", status="NOT_FOUND")
    )
    assert not [key for key in values if key[0].startswith(":tensorflow")]
    assert values["keras_gallery:requests_total", "grpc", "GetModelStatus", "m", "", "", "", "OK"] == 1


def test_examples() -> None:
    values = page(*(replace(PREDICT, method=method, rows=3) for method in ("Classify", "Regress", "MultiInference")))
    assert values[":tensorflow:serving:request_example_count_total", "m"] == 9
    assert values[":tensorflow:serving:request_example_counts_sum", "m"] == 9
    assert values[":tensorflow:serving:request_example_counts_bucket", "m", "2"] == 0
    assert values[":tensorflow:serving:request_example_counts_bucket", "m", "4"] == 3


def test_buckets_equal_those_of_tensorflow_serving() -> None:
    seconds = np.random.default_rng(1).lognormal(-7, 4, 500)
    values = page(*(replace(PREDICT, seconds=float(each)) for each in seconds))
    name = (":tensorflow:serving:request_latency_bucket", "m", "Predict", "GRPC")
    limits = {key[-1]: value for key, value in values.items() if key[:-1] == name}
    # The limits are 10 microseconds times powers of 1.8, with six digits.
    assert list(limits)[:6] == ["10", "18", "32.4", "58.32", "104.976", "188.957"]
    assert {"708235", "1.27482e+06", "+Inf"} <= set(limits)
    assert len(limits) == 34
    expected = [int(np.sum(seconds * 1e6 <= 10 * 1.8**power)) for power in range(33)]
    assert list(limits.values()) == [*expected, 500]


def test_batches_loads_and_warm_ups() -> None:
    metrics = Metrics()
    metrics.record_batch("m", "pool", [0.0001, 0.002], 5, 8)
    metrics.record_load(Path("/m/1"), 1.5, ok=True)
    metrics.record_load(Path("/m/2"), 1.5, ok=False)
    metrics.record_warmup(Path("/m/1"), 0.25, 7)
    values = samples(metrics.snapshot())
    assert values[":tensorflow:serving:batching_session:wrapped_run_count",] == 1
    assert values[":tensorflow:serving:batching:processed_batch_size_v2", "m", "", "8"] == 1
    assert values[":tensorflow:serving:batching:padding_size_v2_sum", "m", "8", ""] == 3
    assert values[":tensorflow:serving:batching_session:queuing_latency_sum", "pool"] == pytest.approx(2100)
    assert values[":tensorflow:serving:batching_session:queuing_latency_bucket", "pool", "100"] == 1
    assert values[":tensorflow:cc:saved_model:load_attempt_count", "/m/1", "success"] == 1
    assert values[":tensorflow:cc:saved_model:load_attempt_count", "/m/2", "fail"] == 1
    assert values[":tensorflow:cc:saved_model:load_latency", "/m/1"] == 1_500_000
    assert values[":tensorflow:serving:model_warmup_latency_sum", "/m/1", "OK"] == 250_000
    assert values[":tensorflow:serving:model_warmup_records_read", "/m/1"] == 7


def test_states_of_versions() -> None:
    versions = [VersionStatus(2, State.AVAILABLE), VersionStatus(1, State.END), VersionStatus(0, State.END)]
    values = samples(version_states([ModelStatus("m", versions), ModelStatus("empty", [])]))
    assert values == {
        (":tensorflow:core:session_created",): 1,
        ("keras_gallery:model_versions", "m", "AVAILABLE"): 1,
        ("keras_gallery:model_versions", "m", "END"): 2,
    }


def test_metrics_of_several_processes_are_merged() -> None:
    rng = np.random.default_rng(2)
    requests = [
        replace(PREDICT, model=str(rng.choice(["a", "b"])), seconds=float(rng.exponential()), rows=int(rng.integers(9)))
        for _ in range(50)
    ]
    one, two, all_in_one = Metrics("w0"), Metrics("w1"), Metrics("w0")
    for number, request in enumerate(requests):
        (one, two)[number % 2].record(request)
        all_in_one.record(request)
    parts = [pickle.loads(pickle.dumps(each.snapshot())) for each in (one, two)]
    untouched = copy.deepcopy(parts)
    merged, expected = samples(prometheus.merge(parts)), samples(all_in_one.snapshot())
    assert parts == untouched
    processes = {key for key in merged if "process" in key[0]}
    assert {key[1] for key in processes} == {"w0", "w1"}
    assert {key: value for key, value in merged.items() if key not in processes} == pytest.approx(
        {key: value for key, value in expected.items() if "process" not in key[0]}
    )


def test_a_process_that_has_ended_keeps_only_its_totals() -> None:
    metrics = Metrics()
    metrics.pending += 5
    metrics.record(PREDICT)
    remaining = samples(prometheus.add_ended({}, metrics.snapshot()))
    assert remaining[":tensorflow:serving:request_count", "m", "OK"] == 1
    assert ("keras_gallery:requests_pending",) not in remaining


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_totals_of_ended_processes_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has its own process id and its own model names."""
    monkeypatch.setattr(prometheus, "MAX_PAST", 5)
    past: prometheus.Snapshot = {}
    for number in range(40):
        metrics = Metrics(f"worker {number}")
        metrics.record(replace(PREDICT, model=f"m{number}"))
        metrics.record(replace(PREDICT, model=f"m{number}", status="NOT_FOUND"))
        metrics.record_batch(f"m{number}", "threads", [0.1], number, number)
        metrics.record_load(Path(f"/m{number}"), 1.0, ok=True)
        past = prometheus.add_ended(past, metrics.snapshot())
    assert list(past["keras_gallery:process_cpu_seconds_total"]) == [("(ended)",)]
    assert max(len(points) for points in past.values()) <= 7
    assert sum(past[":tensorflow:serving:request_count"].values()) == 80  # type: ignore[arg-type]
    assert past[":tensorflow:serving:request_count"]["(others)", "NOT_FOUND"] > 30  # type: ignore[operator]
    prometheus.text(past)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_cpu_time_and_memory_of_processes() -> None:
    metrics = Metrics("worker 1")
    metrics.processes["gone"] = 1 << 30
    values = samples(metrics.snapshot())
    assert 0 < values["keras_gallery:process_cpu_seconds_total", "worker 1"] <= sum(os.times()[:2]) + 0.1
    assert 1 << 20 < values["keras_gallery:process_resident_bytes", "worker 1"] < 1 << 40
    assert "gone" not in {key[1] for key in values if len(key) == 2}
    assert process_usage(1 << 30) is None


def test_the_number_of_unknown_model_names_is_limited() -> None:
    values = page(*(replace(PREDICT, model=f"x{n}" * 100, status="NOT_FOUND") for n in range(MAX_SERIES + 5)))
    counts = {key: value for key, value in values.items() if key[0] == ":tensorflow:serving:request_count"}
    assert len(counts) == MAX_SERIES + 1
    assert counts[":tensorflow:serving:request_count", "(others)", "NOT_FOUND"] == 5
    assert max(len(key[1]) for key in counts) <= 128


def test_the_number_of_models_that_answered_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_gallery.serving.observe.metrics.MAX_SERVED", 10)
    values = page(*(replace(PREDICT, model=f"m{n % 15}", version=n % 15) for n in range(30)))
    counts = {key: value for key, value in values.items() if key[0] == ":tensorflow:serving:request_count"}
    assert len(counts) == 11 and counts[":tensorflow:serving:request_count", "(others)", "OK"] == 10


def test_the_number_of_folders_that_reloads_name_is_limited() -> None:
    metrics = Metrics()
    for number in range(MAX_SERIES + 5):
        metrics.record_load(Path(f"/models/{number}"), 0.1, ok=False)
        metrics.record_warmup(Path(f"/models/{number}"), 0.1, 1)
    for name, points in metrics.snapshot().items():
        assert len(points) <= MAX_SERIES + 1, name
    values = samples(metrics.snapshot())
    assert values[":tensorflow:cc:saved_model:load_attempt_count", "(others)", "fail"] == 5
    assert values[":tensorflow:serving:model_warmup_latency_count", "(others)", "OK"] == 5


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "line\nbreak", "\\n", 'a",b="c', "", "ü"])
def test_special_characters_in_model_names(name: str) -> None:
    assert page(replace(PREDICT, model=name))[":tensorflow:serving:request_count", name, "OK"] == 1


def test_a_model_name_that_is_not_unicode() -> None:
    assert page(replace(PREDICT, model="a\udcff"))[":tensorflow:serving:request_count", "a?", "OK"] == 1


def test_control_characters_are_escaped() -> None:
    snapshot = {":tensorflow:serving:request_example_count_total": {("a\x1b[2J\r",): 1.0, (r"a\x1b[2J\r",): 2.0}}
    assert not set(prometheus.text(snapshot)) & {"\x1b", "\r"}
    assert samples(snapshot)[":tensorflow:serving:request_example_count_total", r"a\x1b[2J\r"] == 3


def test_snapshots_while_another_thread_records() -> None:
    metrics = Metrics()

    def write() -> None:
        for number in range(500):
            metrics.record(replace(PREDICT, version=number))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        metrics.snapshot()
    writer.join()
    assert samples(metrics.snapshot())[":tensorflow:serving:request_count", "m", "OK"] == 500
