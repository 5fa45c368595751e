"""Defines the names and labels of the metrics, and formats the metrics as text for Prometheus.

Names, labels and buckets are TensorFlow Serving's, so dashboards for TensorFlow Serving also work with this server. The
names of additional metrics begin with `keras_gallery:`. Time histograms are in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..printable import printable

Labels = tuple[str, ...]
Histogram = tuple[list[int], float]  # the counts of the buckets (the last bucket has no upper limit); the sum of values
Snapshot = dict[str, dict[Labels, float | Histogram]]  # values by metric name and labels


class Family(NamedTuple):
    """A metric.

    Attributes:
        kind: the metric type in Prometheus: "counter", "gauge" or "histogram".
        labels: the names of the labels.
        limits: the upper limits of a histogram's buckets, except the last bucket.
    """

    kind: str
    labels: Labels = ()
    limits: tuple[float, ...] = ()


def _exponential(scale: float, growth: float, count: int) -> tuple[float, ...]:
    return tuple(scale * growth**power for power in range(count))


LATENCY = _exponential(10, 1.8, 33)  # 10 µs to 25 minutes
EXAMPLES = _exponential(1, 2, 15)
QUEUING = _exponential(100, 1.2, 52)
PADDING = (-2 / 3, *_exponential(2 / 3, 2, 16))

_SIGNATURE_LABELS = ("model_name", "version", "signature", "engine")
FAMILIES = {
    ":tensorflow:cc:saved_model:load_attempt_count": Family("counter", ("model_path", "status")),
    ":tensorflow:cc:saved_model:load_latency": Family("counter", ("model_path",)),
    ":tensorflow:cc:saved_model:load_latency_by_stage": Family("histogram", ("model_path", "stage"), LATENCY),
    ":tensorflow:core:direct_session_runs": Family("counter"),
    ":tensorflow:core:graph_run_time_usecs": Family("counter"),
    ":tensorflow:core:graph_runs": Family("counter"),
    ":tensorflow:core:session_created": Family("gauge"),
    ":tensorflow:serving:batching:mixed_priority_batching_policy": Family("gauge", ("model_name", "op_name")),
    ":tensorflow:serving:batching:padding_size_v2": Family(
        "histogram", ("model_name", "execution_batch_size", "op_name"), PADDING
    ),
    ":tensorflow:serving:batching:processed_batch_size_v2": Family("counter", ("model_name", "op_name", "batch_size")),
    ":tensorflow:serving:batching_session:queuing_latency": Family("histogram", ("thread_pool_name",), QUEUING),
    ":tensorflow:serving:batching_session:wrapped_run_count": Family("counter"),
    ":tensorflow:serving:mlmd_map": Family("gauge", ("model_name", "version")),
    ":tensorflow:serving:model_warmup_latency": Family("histogram", ("model_path", "status"), LATENCY),
    ":tensorflow:serving:model_warmup_records_read": Family("counter", ("model_path",)),
    ":tensorflow:serving:request_count": Family("counter", ("model_name", "status")),
    ":tensorflow:serving:request_example_count_total": Family("counter", ("model",)),
    ":tensorflow:serving:request_example_counts": Family("histogram", ("model",), EXAMPLES),
    ":tensorflow:serving:request_latency": Family("histogram", ("model_name", "API", "entrypoint"), LATENCY),
    ":tensorflow:serving:request_log_count": Family("counter", ("model_name", "status_code")),
    ":tensorflow:serving:runtime_latency": Family("histogram", ("model_name", "API", "runtime"), LATENCY),
    "keras_gallery:requests_total": Family("counter", ("face", "method", *_SIGNATURE_LABELS, "status")),
    "keras_gallery:requests_pending": Family("gauge"),
    "keras_gallery:runtime_latency": Family("histogram", _SIGNATURE_LABELS, LATENCY),
    "keras_gallery:model_versions": Family("gauge", ("model_name", "state")),
    "keras_gallery:process_cpu_seconds_total": Family("counter", ("process",)),
    "keras_gallery:process_resident_bytes": Family("gauge", ("process",)),
    "keras_gallery:worker_restarts_total": Family("counter"),
    "keras_gallery:request_log_dropped_total": Family("counter", ("reason",)),
}


# Labels with few values. All other labels have names that clients or operators choose.
_FIXED_LABELS = {"API", "engine", "entrypoint", "face", "method", "reason", "runtime", "stage", "status", "status_code"}
OTHERS = "(others)"  # the label of all names above a limit
ENDED = "(ended)"  # the label of all processes that have ended
MAX_PAST = 10_000  # maximum number of combinations of labels that a metric of ended processes has


def add_value(snapshot: Snapshot, name: str, labels: Labels, value: float | Histogram) -> None:
    """Adds `value` to the snapshot's value of the metric `name` with these labels."""
    points = snapshot.setdefault(name, {})
    points[labels] = _sum(points[labels], value) if labels in points else value


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Merges the snapshots of several processes: adds up the values of the same metric with the same labels."""
    merged: Snapshot = {}
    for snapshot in snapshots:
        for name, points in snapshot.items():
            for labels, value in points.items():
                add_value(merged, name, labels, value)
    return merged


def _sum(one: float | Histogram, other: float | Histogram) -> float | Histogram:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return [a + b for a, b in zip(one[0], other[0], strict=True)], one[1] + other[1]
    assert not isinstance(one, tuple) and not isinstance(other, tuple)
    return one + other


def add_ended(past: Snapshot, snapshot: Snapshot) -> Snapshot:
    """Returns the totals of the processes that have ended, including one more process.

    Gauges, such as the used memory, are not valid any more after the end of a process. The result does not grow without
    limit, however many processes have ended: they share one label for the process. If a metric has MAX_PAST
    combinations of labels, further combinations are counted with `OTHERS` in place of the names in them.

    Args:
        past: the totals of the processes that ended before.
        snapshot: the last snapshot of the process.
    """
    merged = merge([past])
    for name, points in snapshot.items():
        family = FAMILIES[name]
        if family.kind == "gauge":
            continue
        known = merged.setdefault(name, {})
        for labels, value in points.items():
            pairs = list(zip(family.labels, labels, strict=True))
            labels = tuple(ENDED if key == "process" else label for key, label in pairs)
            if labels not in known and len(known) >= MAX_PAST:
                labels = tuple(label if key in _FIXED_LABELS else OTHERS for key, label in pairs)
            add_value(merged, name, labels, value)
    return merged


def text(snapshot: Snapshot) -> str:
    """Returns a snapshot in Prometheus' text format, version 0.0.4. Escapes control characters in labels."""
    lines: list[str] = []
    for name, family in FAMILIES.items():
        lines.append(f"# TYPE {name} {family.kind}")
        shown: Snapshot = {}
        for labels, value in snapshot.get(name, {}).items():
            add_value(shown, name, tuple(map(_shown, labels)), value)  # escaped labels may be equal
        for labels, value in sorted(shown.get(name, {}).items()):
            pairs = [f'{key}="{_escape(label)}"' for key, label in zip(family.labels, labels, strict=True)]
            if isinstance(value, tuple):
                lines.extend(_histogram(name, pairs, family.limits, value))
            else:
                lines.append(f"{name}{{{','.join(pairs)}}} {_number(value)}")
    return "\n".join(lines) + "\n"


def _histogram(name: str, pairs: list[str], limits: tuple[float, ...], value: Histogram) -> Iterator[str]:
    buckets, total = value
    count = 0
    for limit, number in zip((*(f"{limit:.6g}" for limit in limits), "+Inf"), buckets, strict=True):
        count += number
        limited = ",".join((*pairs, f'le="{limit}"'))
        yield f"{name}_bucket{{{limited}}} {count}"
    yield f"{name}_sum{{{','.join(pairs)}}} {_number(total)}"
    yield f"{name}_count{{{','.join(pairs)}}} {count}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _shown(label: str) -> str:
    """Escapes control characters, except line breaks, for which the text format has its own escape."""
    label = label.encode(errors="replace").decode()
    return "\n".join(map(printable, label.split("\n")))


def _escape(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
