"""Counts and times of what a process does, at little cost: plain numbers in lists, put together when they are read."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from .observation import Observation
from .prometheus import EXAMPLES, FAMILIES, LATENCY, Labels, Snapshot, put

# Requests that fail may name any model; over so many names they are counted together.
MAX_FAILURES = 1000
OTHERS = "(others)"
# The methods that TensorFlow Serving's own metrics count; by these names over gRPC, in lower case over REST.
_COUNTED = {"Predict", "Classify", "Regress", "MultiInference"}
_WITH_EXAMPLES = {"Classify", "Regress", "MultiInference"}
RUNTIME = "TF1"  # TensorFlow Serving's name for what runs a model


class _Series:
    """The requests that were answered alike."""

    __slots__ = ("latency", "latency_sum", "rows", "rows_sum", "runtime", "runtime_sum")

    def __init__(self) -> None:
        self.latency, self.runtime = [0] * (len(LATENCY) + 1), [0] * (len(LATENCY) + 1)
        self.rows = [0] * (len(EXAMPLES) + 1)
        self.latency_sum = self.runtime_sum = 0.0
        self.rows_sum = 0


class Metrics:
    """One process's numbers. No locks: each of them is changed by one thread alone, and may be read by any.

    Args:
        process: this process's name in the metrics.

    Attributes:
        pending: requests that wait or run.
        processes: the ids of processes that are watched, by name: this one, and its children that can't tell.
    """

    def __init__(self, process: str = "server") -> None:
        self.pending = 0
        self.processes = {process: os.getpid()}
        self._served: dict[tuple[str, str, str, int | None, str, str], _Series] = {}
        self._failed: dict[tuple[str, str, str, str], int] = {}
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, tuple[list[int], list[float]]]] = {}

    # === Requests ===

    def record(self, request: Observation) -> None:
        """Counts a request that has ended."""
        self.pending -= 1
        if request.status != "OK":
            self._record_failure(request)
            return
        key = (request.face, request.method, request.model, request.version, request.signature, request.engine)
        series = self._served.get(key)
        if series is None:
            series = self._served.setdefault(key, _Series())
        micros = request.seconds * 1e6
        series.latency[bisect_left(LATENCY, micros)] += 1
        series.latency_sum += micros
        if request.runtime_seconds:
            micros = request.runtime_seconds * 1e6
            series.runtime[bisect_left(LATENCY, micros)] += 1
            series.runtime_sum += micros
        if request.rows:
            series.rows[bisect_left(EXAMPLES, request.rows)] += 1
            series.rows_sum += request.rows

    def _record_failure(self, request: Observation) -> None:
        key = (request.face, request.method, request.model[:128], request.status)
        if key not in self._failed and len(self._failed) >= MAX_FAILURES:
            key = (request.face, request.method, OTHERS, request.status)
        self._failed[key] = self._failed.get(key, 0) + 1

    # === All else ===

    def add(self, name: str, labels: Labels = (), amount: float = 1) -> None:
        """Adds to a counter."""
        points = self._values.setdefault(name, {})
        points[labels] = points.get(labels, 0) + amount

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """Adds a value to a histogram; times are in microseconds."""
        limits = FAMILIES[name].limits
        points = self._histograms.setdefault(name, {})
        buckets, total = points.setdefault(labels, ([0] * (len(limits) + 1), [0.0]))
        buckets[bisect_left(limits, value)] += 1
        total[0] += value

    def record_batch(self, model: str, threads: str, waits: Sequence[float], rows: int, padded_rows: int) -> None:
        """Notes that a batch was run.

        Args:
            model: its name.
            threads: the name of the thread pool, as the batching parameters have it.
            waits: for how many seconds each of its requests had waited.
            rows: of the requests.
            padded_rows: of the batch as it was run.
        """
        self.add(":tensorflow:serving:batching_session:wrapped_run_count")
        self.add(":tensorflow:serving:batching:processed_batch_size_v2", (model, "", str(padded_rows)))
        padding = padded_rows - rows
        self.observe(":tensorflow:serving:batching:padding_size_v2", (model, str(padded_rows), ""), padding)
        for seconds in waits:
            self.observe(":tensorflow:serving:batching_session:queuing_latency", (threads,), seconds * 1e6)

    def record_load(self, folder: Path, seconds: float, *, ok: bool) -> None:
        """Notes that a version was loaded, or could not be."""
        path = str(folder)
        self.add(":tensorflow:cc:saved_model:load_attempt_count", (path, "success" if ok else "fail"))
        if ok:
            self.add(":tensorflow:cc:saved_model:load_latency", (path,), round(seconds * 1e6))
            self.observe(":tensorflow:cc:saved_model:load_latency_by_stage", (path, "load_engines"), seconds * 1e6)

    def record_warmup(self, folder: Path, seconds: float, requests: int, status: str = "OK") -> None:
        """Notes that the recorded requests of a version were replayed."""
        path = str(folder)
        self.observe(":tensorflow:serving:model_warmup_latency", (path, status), seconds * 1e6)
        self.add(":tensorflow:serving:model_warmup_records_read", (path,), requests)

    # === Reading ===

    def snapshot(self) -> Snapshot:
        """All numbers at this moment, fit to be pickled and merged with those of other processes."""
        found: Snapshot = {}
        for (face, method, model, version, signature, engine), series in list(self._served.items()):
            ours = (model, "" if version is None else str(version), signature, engine)
            put(found, "keras_gallery:requests_total", (face, method, *ours, "OK"), sum(series.latency))
            runs = sum(series.runtime)
            if runs:
                put(found, "keras_gallery:runtime_latency", ours, (list(series.runtime), series.runtime_sum))
                put(found, ":tensorflow:core:graph_runs", (), runs)
                put(found, ":tensorflow:core:direct_session_runs", (), runs)
                put(found, ":tensorflow:core:graph_run_time_usecs", (), round(series.runtime_sum))
            if method in _COUNTED:
                _put_served(found, face, method, model, series)
        for (face, method, model, status), count in list(self._failed.items()):
            put(found, "keras_gallery:requests_total", (face, method, model, "", "", "", status), count)
            if method in _COUNTED:
                put(found, ":tensorflow:serving:request_count", (model, status), count)
        for name, values in list(self._values.items()):
            for labels, value in list(values.items()):
                put(found, name, labels, value)
        for name, histograms in list(self._histograms.items()):
            for labels, (buckets, total) in list(histograms.items()):
                put(found, name, labels, (list(buckets), total[0]))
        put(found, "keras_gallery:requests_pending", (), self.pending)
        for process, number in list(self.processes.items()):
            if usage := process_usage(number):
                put(found, "keras_gallery:process_cpu_seconds_total", (process,), usage[0])
                put(found, "keras_gallery:process_resident_bytes", (process,), usage[1])
        return found


def _put_served(found: Snapshot, face: str, method: str, model: str, series: _Series) -> None:
    """What TensorFlow Serving shows of requests that were answered."""
    api = method.lower() if face == "rest" else method
    put(found, ":tensorflow:serving:request_count", (model, "OK"), sum(series.latency))
    latency = (list(series.latency), series.latency_sum)
    put(found, ":tensorflow:serving:request_latency", (model, api, face.upper()), latency)
    if series.runtime_sum:
        runtime = (list(series.runtime), series.runtime_sum)
        put(found, ":tensorflow:serving:runtime_latency", (model, method, RUNTIME), runtime)
    if method in _WITH_EXAMPLES and series.rows_sum:
        put(found, ":tensorflow:serving:request_example_counts", (model,), (list(series.rows), series.rows_sum))
        put(found, ":tensorflow:serving:request_example_count_total", (model,), series.rows_sum)


def process_usage(number: int) -> tuple[float, int] | None:
    """CPU seconds and resident bytes of a process; None where the system does not tell, or it has ended."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")
