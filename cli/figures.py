"""The lines that commands print about the metrics of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.runs import Run


def metric_lines(run: Run) -> list[str]:
    """Returns the metrics of a run: first in words, beside the metrics of simple methods, then all others by name."""
    from ..training.figures import words

    task = str(run.config["task"])
    lines = [*words.table(task, run.metrics), *words.threshold_lines({}, threshold(run))]
    return [*lines, *plain_lines(words.rest(task, run.metrics))]


def plain_lines(metrics: Mapping[str, float]) -> list[str]:
    """Returns a line for each metric, with its name in metrics.json."""
    return [
        f"{name:24} {value:,.4f}" if isinstance(value, float) else f"{name:24} {value:,}"
        for name, value in metrics.items()
    ]


def threshold(run: Run) -> Mapping[str, float] | None:
    """Returns the threshold in the run's preparation.json, or None."""
    found: Mapping[str, float] | None = (run.preparation or {}).get("threshold")
    return found
