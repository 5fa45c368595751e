"""The metrics of one process. Counters and histograms are plain numbers, which are cheap to update."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .observation import Observation
from .prometheus import EXAMPLES, FAMILIES, LATENCY, OTHERS, Labels, Snapshot, add_value

# A failed request may name any model, and a reload may name any folder. A metric keeps at most MAX_SERIES combinations
# of labels that clients choose. New combinations are counted with `OTHERS` in place of this name.
MAX_SERIES = 1000
MAX_SERVED = 10_000  # the same for successful requests, whose labels are of models that were loaded
# The methods that TensorFlow Serving's metrics count, and the method of the Open Inference Protocol. The label is this
# name for gRPC, and in lower case for REST.
_COUNTED = {"Predict", "Classify", "Regress", "MultiInference", "ModelInfer"}
_WITH_EXAMPLES = {"Classify", "Regress", "MultiInference"}
RUNTIME = "TF1"  # TensorFlow Serving's label for the runtime of a model


class _Series:
    """The counters and histograms of successful requests with the same labels."""

    __slots__ = ("latency", "latency_sum", "rows", "rows_sum", "runtime", "runtime_sum")

    def __init__(self) -> None:
        self.latency, self.runtime = [0] * (len(LATENCY) + 1), [0] * (len(LATENCY) + 1)
        self.rows = [0] * (len(EXAMPLES) + 1)
        self.latency_sum = self.runtime_sum = 0.0
        self.rows_sum = 0


class Metrics:
    """The metrics of one process. There are no locks: each number is changed by one thread and read by any thread.

    Args:
        process: this process's name in the metrics.

    Attributes:
        pending: the number of requests that wait or run.
        processes: process ids by name. CPU time and memory are reported for these processes.
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
        """Counts a finished request."""
        if request.is_pending:
            self.pending -= 1
        if request.status != "OK":
            self._record_failure(request)
            return
        key = (request.face, request.method, request.model, request.version, request.signature, request.engine)
        series = self._served.get(key)
        if series is None:
            if len(self._served) >= MAX_SERVED:
                key = (request.face, request.method, OTHERS, None, "", request.engine)
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
        if key not in self._failed and len(self._failed) >= MAX_SERIES:
            key = (request.face, request.method, OTHERS, request.status)
        self._failed[key] = self._failed.get(key, 0) + 1

    # === Other metrics ===

    def add(self, name: str, labels: Labels = (), amount: float = 1, *, known: bool = False) -> None:
        """Adds `amount` to a counter. The first label counts as chosen by a client, unless it is `known`."""
        points = self._values.setdefault(name, {})
        labels = labels if known else _bounded(points, labels)
        points[labels] = points.get(labels, 0) + amount

    def observe(self, name: str, labels: Labels, value: float) -> None:
        """Adds a value to a histogram; times are in microseconds."""
        limits = FAMILIES[name].limits
        points = self._histograms.setdefault(name, {})
        labels = _bounded(points, labels)
        buckets, total = points.setdefault(labels, ([0] * (len(limits) + 1), [0.0]))
        buckets[bisect_left(limits, value)] += 1
        total[0] += value

    def record_batch(self, model: str, threads: str, waits: Sequence[float], rows: int, padded_rows: int) -> None:
        """Counts a batch that was run.

        Args:
            model: the model's name.
            threads: `thread_pool_name` of the batching parameters.
            waits: how many seconds each request in the batch waited.
            rows: the number of rows without padding.
            padded_rows: the number of rows with padding.
        """
        self.add(":tensorflow:serving:batching_session:wrapped_run_count")
        self.add(":tensorflow:serving:batching:processed_batch_size_v2", (model, "", str(padded_rows)))
        padding = padded_rows - rows
        self.observe(":tensorflow:serving:batching:padding_size_v2", (model, str(padded_rows), ""), padding)
        for seconds in waits:
            self.observe(":tensorflow:serving:batching_session:queuing_latency", (threads,), seconds * 1e6)

    def record_load(self, folder: Path, seconds: float, *, ok: bool) -> None:
        """Counts a load of a version that took `seconds`. `ok` is whether the load was successful."""
        path = str(folder)
        self.add(":tensorflow:cc:saved_model:load_attempt_count", (path, "success" if ok else "fail"))
        if ok:
            self.add(":tensorflow:cc:saved_model:load_latency", (path,), round(seconds * 1e6))
            self.observe(":tensorflow:cc:saved_model:load_latency_by_stage", (path, "load_engines"), seconds * 1e6)

    def record_warmup(self, folder: Path, seconds: float, requests: int, status: str = "OK") -> None:
        """Counts the warm-up of a version: `requests` recorded requests were replayed in `seconds`."""
        path = str(folder)
        self.observe(":tensorflow:serving:model_warmup_latency", (path, status), seconds * 1e6)
        self.add(":tensorflow:serving:model_warmup_records_read", (path,), requests)

    # === Reading ===

    def snapshot(self) -> Snapshot:
        """Returns the current values of all metrics.

        A snapshot can be pickled, and merged with the snapshots of other processes.
        """
        snapshot: Snapshot = {}
        for (face, method, model, version, signature, engine), series in list(self._served.items()):
            served = (model, "" if version is None else str(version), signature, engine)
            add_value(snapshot, "keras_gallery:requests_total", (face, method, *served, "OK"), sum(series.latency))
            runs = sum(series.runtime)
            if runs:
                add_value(snapshot, "keras_gallery:runtime_latency", served, (list(series.runtime), series.runtime_sum))
                add_value(snapshot, ":tensorflow:core:graph_runs", (), runs)
                add_value(snapshot, ":tensorflow:core:direct_session_runs", (), runs)
                add_value(snapshot, ":tensorflow:core:graph_run_time_usecs", (), round(series.runtime_sum))
            if method in _COUNTED:
                _add_tensorflow_serving(snapshot, face, method, model, series)
        for (face, method, model, status), count in list(self._failed.items()):
            add_value(snapshot, "keras_gallery:requests_total", (face, method, model, "", "", "", status), count)
            if method in _COUNTED:
                add_value(snapshot, ":tensorflow:serving:request_count", (model, status), count)
        for name, values in list(self._values.items()):
            for labels, value in list(values.items()):
                add_value(snapshot, name, labels, value)
        for name, histograms in list(self._histograms.items()):
            for labels, (buckets, total) in list(histograms.items()):
                add_value(snapshot, name, labels, (list(buckets), total[0]))
        add_value(snapshot, "keras_gallery:requests_pending", (), self.pending)
        for process, number in list(self.processes.items()):
            if usage := process_usage(number):
                add_value(snapshot, "keras_gallery:process_cpu_seconds_total", (process,), usage[0])
                add_value(snapshot, "keras_gallery:process_resident_bytes", (process,), usage[1])
        return snapshot


def _bounded(points: Mapping[Labels, Any], labels: Labels) -> Labels:
    """Returns the labels, with `OTHERS` as the first label if they are new and `points` has MAX_SERIES labels."""
    return labels if labels in points or len(points) < MAX_SERIES else (OTHERS, *labels[1:])


def _add_tensorflow_serving(snapshot: Snapshot, face: str, method: str, model: str, series: _Series) -> None:
    """Adds TensorFlow Serving's own metrics for successful requests."""
    api = method.lower() if face == "rest" else method
    add_value(snapshot, ":tensorflow:serving:request_count", (model, "OK"), sum(series.latency))
    latency = (list(series.latency), series.latency_sum)
    add_value(snapshot, ":tensorflow:serving:request_latency", (model, api, face.upper()), latency)
    if series.runtime_sum:
        runtime = (list(series.runtime), series.runtime_sum)
        add_value(snapshot, ":tensorflow:serving:runtime_latency", (model, method, RUNTIME), runtime)
    if method in _WITH_EXAMPLES and series.rows_sum:
        add_value(
            snapshot, ":tensorflow:serving:request_example_counts", (model,), (list(series.rows), series.rows_sum)
        )
        add_value(snapshot, ":tensorflow:serving:request_example_count_total", (model,), series.rows_sum)


def process_usage(number: int) -> tuple[float, int] | None:
    """Returns CPU seconds and resident bytes of a process; None if the process has ended or there is no /proc."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")
