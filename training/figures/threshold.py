"""Chooses the threshold of the score of an autoencoder, and measures how well the score finds anomalies.

The score of an example is its squared reconstruction error. An example counts as an anomaly if its score is above the
threshold.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]  # (n,)

DEFAULT_RATE = 0.01  # of false alarms


def least_examples(rate: float) -> int:
    """Returns the number of normal examples from which a threshold can guarantee a rate of false alarms."""
    return math.ceil(round(1 / rate, 9)) - 1


def threshold_of(scores: Scores, rate: float) -> float:
    """Returns the threshold that at most a share `rate` of new normal examples exceeds.

    The threshold is the k-th smallest of the n scores, where k = ⌈(n + 1)(1 − rate)⌉. If the new examples come from the
    same distribution, the probability that a score exceeds the threshold is at most `rate`, averaged over all choices
    of the n examples. If there are too few examples (k > n), the threshold is the largest score, without this
    guarantee.

    Source: split conformal prediction; Bates, Candès, Lei, Romano and Sesia 2023, "Testing for outliers with conformal
    p-values", arXiv:2104.08279.

    Args:
        scores: scores of normal examples that the model did not learn from, `(n,)`, n > 0.
        rate: the rate of false alarms, above 0 and below 1.
    """
    rank = math.ceil(round((len(scores) + 1) * (1 - rate), 9))  # rounded, because 100 · (1 − 0.01) is not exactly 99
    return float(np.sort(scores)[min(max(rank, 1), len(scores)) - 1])


def share_above(scores: Scores, threshold: float) -> float:
    """Returns the share of the scores that are above the threshold."""
    return float(np.mean(scores > np.float32(threshold)))


def choose(validation: Scores, test: Scores, rate: float) -> dict[str, Any]:
    """Returns the threshold for the run's `preparation.json`.

    Args:
        validation: scores of the validation split, which determine the threshold.
        test: scores of the test examples, on which the rate is measured.
        rate: the rate of false alarms.
    """
    value = threshold_of(validation, rate)
    measured = share_above(test, value)
    return {"value": value, "false_alarm_rate": rate, "measured_rate": measured, "examples": len(test)}


def too_few(count: int, rate: float) -> str | None:
    """Returns a warning if `count` validation examples are too few for a rate of false alarms, else None."""
    least = least_examples(rate)
    if count >= least:
        return None
    return (
        f"Too few validation examples for a false-alarm rate of {rate:.4g}: {count:,}, at least {least:,} are needed. "
        "The threshold is the largest validation score, and the rate can be higher than asked for."
    )


def anomalies(scores: Scores, normal: Scores, threshold: float | None) -> dict[str, float]:
    """Returns how well the score separates anomalies from normal examples.

    Args:
        scores: scores of anomalies.
        normal: scores of the run's test examples, which are normal.
        threshold: the run's threshold, or None.

    Returns:
        `auroc`: the probability that an anomaly has a higher score than a normal example.
        `detection_rate`: the share of the anomalies that are above the threshold.
    """
    from sklearn.metrics import roc_auc_score

    labels = np.repeat([0, 1], [len(normal), len(scores)])
    figures = {"auroc": float(roc_auc_score(labels, np.concatenate([normal, scores])))}
    return figures if threshold is None else figures | {"detection_rate": share_above(scores, threshold)}
