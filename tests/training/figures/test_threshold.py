"""Tests of the threshold of the score, and of the words for metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.training.figures import threshold, words
from keras_gallery.training.recipe import load_recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.999])
@pytest.mark.parametrize("count", [1, 19, 99, 100, 500])
def test_threshold_is_a_quantile(count: int, rate: float) -> None:
    """The oracle is NumPy's quantile of the scores and of one more score, which is infinite."""
    scores = RNG.random(count).astype(np.float32)
    expected = np.quantile(np.append(scores, np.inf), 1 - rate, method="inverted_cdf")
    assert threshold.threshold_of(scores, rate) == min(expected, scores.max())
    assert (threshold.too_few(count, rate) is None) == np.isfinite(expected)


def test_rate_of_false_alarms_is_kept() -> None:
    """If each of n + 1 scores in turn is the new one, at most the share `rate` of them is above the threshold."""
    scores = RNG.exponential(size=120).astype(np.float32)
    alarms = [each > threshold.threshold_of(np.delete(scores, index), 0.05) for index, each in enumerate(scores)]
    assert 0.03 < np.mean(alarms) <= 0.05


def test_too_few_examples() -> None:
    assert threshold.least_examples(0.01) == 99 and threshold.least_examples(0.05) == 19
    assert "98, at least 99 are needed" in str(threshold.too_few(98, 0.01))
    chosen = threshold.choose(np.float32([1, 3, 2]), np.float32([0, 4]), 0.1)
    assert chosen == {"value": 3.0, "false_alarm_rate": 0.1, "measured_rate": 0.5, "examples": 2}


@pytest.mark.models
def test_auroc_is_the_share_of_ordered_pairs() -> None:
    normal, unusual = RNG.integers(0, 9, 30).astype(np.float32), RNG.integers(4, 12, 20).astype(np.float32)
    pairs = (unusual[:, None] > normal) + (unusual[:, None] == normal) / 2
    found = threshold.anomalies(unusual, normal, 8.0)
    assert found == {"auroc": pytest.approx(pairs.mean()), "detection_rate": np.mean(unusual > 8)}
    assert "detection_rate" not in threshold.anomalies(unusual, normal, None)


def test_each_recipe_has_metrics_in_words() -> None:
    results = json.loads((Path(__file__).parents[3] / "docs" / "results.json").read_text("utf-8"))
    for model, recipes in results.items():
        for name, row in recipes.items():
            task, figures = load_recipe(model, name).task, next(iter(row["seeds"].values()))
            assert words.ROWS[task][0].figure in figures, (model, name)
            assert words.table(task, figures), (model, name)


def test_metrics_are_printed_beside_their_yardsticks() -> None:
    figures = {"denoise_mse": 0.00312, "pca_denoise_mse": 0.0042, "noisy_mse": 0.01234, "code_dim": 4, "threshold": 2}
    line = words.table("denoise", figures)[0].split("  ")
    assert (line[0], line[-1].strip()) == (
        "denoised, mean squared error",
        "PCA with the same code size 0.0042; unchanged input 0.01234",
    )
    assert "0.00312" in words.table("denoise", figures)[0]
    assert words.rest("denoise", figures) == {"code_dim": 4}
    others = {"squared_error": 12.3456, "bce": 0.12345, "psnr_lift": 3.456}
    assert [line.split("  ")[-1].strip() for line in words.table("denoise", others)] == ["3.46 dB", "12.35", "0.1235"]
    assert words.rest("denoise", others) == {}
    saved = {"value": 2.5, "false_alarm_rate": 0.01, "measured_rate": 0.0125, "examples": 80}
    lines = words.threshold_lines({"detection_rate": 0.9, "auroc": 0.95}, saved)
    assert "2.5, for a false-alarm rate of 1% (measured on the run's 80 test examples: 1.25%)" in lines[0]
    assert lines[1].endswith("90.0%") and "0.9500" in lines[2]
