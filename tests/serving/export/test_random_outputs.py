"""Tests of comparing outputs that differ from run to run."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.export.random_outputs import RUNS, compare, draws_random_numbers, unlike


def noise(seed: int, mean: float = 0.0, shape: tuple[int, ...] = (1, 4)) -> Callable[[], Any]:
    rng = np.random.default_rng(seed)
    return lambda: (mean + rng.normal(size=shape)).astype(np.float32)


def problem(got: Callable[[], Any], want: Callable[[], Any]) -> str:
    def run() -> Any:
        return {"y": got()}, {"y": want()}

    ((name, largest, text),) = compare(*run(), 1e-5, run)
    assert name == "y" and largest == 0.0
    return text


def test_random_outputs_are_compared_by_their_means() -> None:
    assert problem(noise(1), noise(2)) == ""
    assert problem(noise(1), noise(2, mean=9.0)).startswith("random, with a mean that is off by ")
    assert problem(noise(1), noise(2, shape=(2, 4))) == "of shape (1, 4) and type float32"
    same = noise(3)()
    assert problem(lambda: same, noise(2)) == "always the same, although it is random in the original model"


def test_outputs_that_are_not_random_must_be_equal() -> None:
    runs = []

    def want() -> Any:
        runs.append(1)
        return np.zeros((1, 4), np.float32)

    assert problem(noise(1), want).startswith("off by ") and len(runs) == RUNS
    runs.clear()
    assert problem(want, want) == "" and len(runs) == 2


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [
        (np.array([[1, 2], [2, 1]]), np.array([[2, 1], [1, 2]]), ""),
        (np.array([[1, 9], [9, 1]]), np.array([[-5, -4], [-4, -5]]), "random, with a mean that is off by 9.5e+00"),
        (np.array([["a"], ["b"]], object), np.array([["c"], ["d"]], object), ""),
        (np.array([[1.0], [np.nan]]), np.array([[1.0], [2.0]]), "not finite in one of the two"),
        (np.array([[1.0], [np.nan]]), np.array([[np.nan], [2.0]]), ""),
    ],
)
def test_other_types(new: Any, old: Any, text: str) -> None:
    assert unlike(list(new), list(old)) == text


def test_operations_that_draw_random_numbers() -> None:
    nodes = [SimpleNamespace(op=name) for name in ("Const", "StatelessRandomGetAlg", "RandomStandardNormal")]
    assert draws_random_numbers(nodes) and not draws_random_numbers(nodes[:1])
