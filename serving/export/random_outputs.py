"""Compares outputs that differ from run to run, because the model draws random numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .comparing import Array, difference, too_far

Arrays = Mapping[str, Array]
RUNS = 8  # runs of each runtime
_ERRORS = 8.0  # the means may differ by so many standard errors: chance exceeds this once in a million comparisons
_RANDOM = re.compile("Random|Multinomial|TruncatedNormal|StatefulUniform|NonDeterministic|Rng|CandidateSampler")


def draws_random_numbers(nodes: Iterable[Any]) -> bool:
    """Whether one of the nodes of a graph draws random numbers. Its seed can be constant."""
    return any(_RANDOM.search(node.op) for node in nodes)


def compare(
    got: Arrays, want: Arrays, tolerance: float, again: Callable[[], tuple[Arrays, Arrays]]
) -> Iterator[tuple[str, float, str]]:
    """Yields (name, difference, problem) for each output. The problem is "" if the output is near enough.

    If an output differs, both runtimes run again. If the expected output is random, its difference is 0, and the means
    of all runs are compared.

    Args:
        got: the outputs to check, by name.
        want: the expected outputs.
        tolerance: see `too_far`.
        again: runs both runtimes again on the same inputs, and returns both outputs.
    """
    runs = [(got, want)]
    for name, value in want.items():
        largest = difference(got[name], value)
        problem = too_far(largest, tolerance)
        while problem and len(runs) < RUNS:
            runs.append(again())
        old = [each[name] for _, each in runs]
        if problem and varies(old, tolerance):
            largest, problem = 0.0, unlike([each[name] for each, _ in runs], old)
        yield name, 0.0 if problem else float(largest), problem


def varies(runs: Sequence[Array], tolerance: float) -> bool:
    """Whether several runs have different outputs."""
    return any(too_far(difference(each, runs[0]), tolerance) for each in runs[1:])


def unlike(new: Sequence[Array], old: Sequence[Array]) -> str:
    """Returns how the random outputs of two runtimes differ, or "" if they are alike.

    Random outputs are alike if they have the same shape and type, if both vary, and if their means are near enough.
    Of texts, only the shape is compared.

    Args:
        new: the outputs of several runs to check.
        old: the outputs of several runs of the other runtime.
    """
    first, other = new[0], old[0]
    if first.shape != other.shape or first.dtype.kind != other.dtype.kind:
        return f"of shape {first.shape} and type {first.dtype}"
    if first.dtype.kind not in "fiub" or first.size == 0:
        return ""
    if first.dtype.kind == "f" and not varies(new, 0.0):
        return "always the same, although it is random in the original model"
    means = [np.array([each.astype(np.float64).mean() for each in runs]) for runs in (new, old)]
    finite = [bool(np.isfinite(each).all()) for each in means]
    if not all(finite):
        return "" if not any(finite) else "not finite in one of the two"
    error = np.sqrt(sum(each.var(ddof=1) / len(each) for each in means))
    off, size = abs(means[0].mean() - means[1].mean()), abs(means[1].mean())
    return f"random, with a mean that is off by {off:.1e}" if off > _ERRORS * error + 1e-4 * max(size, 1.0) else ""
