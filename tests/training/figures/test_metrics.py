"""Compares the metrics of classes, numbers and boxes with scikit-learn, or with values calculated by hand."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models.grid import Objects
from keras_gallery.training.figures import metrics
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    jaccard_score,
    log_loss,
    r2_score,
)

RNG = np.random.default_rng(0)


def test_classes() -> None:
    labels = RNG.integers(0, 4, 50)
    exact = RNG.dirichlet(np.ones(4), 50)
    probabilities = exact.astype(np.float32)
    predictions = probabilities.argmax(axis=1)
    assert metrics.accuracy(labels, probabilities) == accuracy_score(labels, predictions)
    expected = log_loss(labels, exact, labels=range(4))
    assert metrics.cross_entropy(labels, probabilities) == pytest.approx(expected, rel=1e-5)
    assert metrics.balanced_accuracy(labels, predictions) == pytest.approx(balanced_accuracy_score(labels, predictions))
    counts = metrics.confusion(labels, predictions, 4)
    np.testing.assert_array_equal(counts, confusion_matrix(labels, predictions))
    np.testing.assert_allclose(metrics.class_ious(counts), jaccard_score(labels, predictions, average=None))


def test_class_without_examples_has_no_iou() -> None:
    assert np.isnan(metrics.class_ious(np.array([[3, 0], [0, 0]]))).tolist() == [False, True]


def test_a_certain_mistake_has_a_finite_cross_entropy() -> None:
    assert metrics.cross_entropy(np.array([1]), np.array([[1, 0]], np.float32)) == pytest.approx(-np.log(1e-7))


def test_r2() -> None:
    targets, predictions = RNG.random((20, 1), np.float32), RNG.random((20, 1), np.float32)
    assert metrics.r2(targets, predictions) == pytest.approx(r2_score(targets, predictions), rel=1e-5)


def test_average_precision() -> None:
    """If the precision never rises with the recall, the average precision equals the result of scikit-learn."""
    scores, right = np.array([0.9, 0.8, 0.7, 0.6], np.float32), np.array([True, True, False, True])
    assert metrics.average_precision(scores, right, 3) == pytest.approx(average_precision_score(right, scores))
    # There are 6 true objects. The second hit counts with the higher precision of the third hit, 3/5.
    scores, right = np.arange(5, 0, -1, np.float32), np.array([True, False, False, True, True])
    assert metrics.average_precision(scores, right, 6) == pytest.approx((1 + 3 / 5 + 3 / 5) / 6)


def objects(*rows: tuple[float, ...]) -> Objects:
    """Returns objects from rows of (label, score, top, left, bottom, right)."""
    array = np.array(rows, np.float32).reshape(-1, 6)
    return Objects(array[:, 2:], array[:, 0].astype(np.int32), array[:, 1])


def test_each_object_is_matched_once() -> None:
    true = objects((1, 1, 0, 0, 0.5, 0.5), (2, 1, 0.5, 0.5, 1, 1))
    found = objects(
        (1, 0.6, 0, 0, 0.5, 0.5),  # the exact box, but the next box has a higher score
        (1, 0.9, 0, 0, 0.5, 0.4),  # IoU 0.8
        (2, 0.8, 0.5, 0.5, 1, 0.7),  # IoU 0.4
        (3, 0.7, 0.5, 0.5, 1, 1),  # another class
    )
    right, ious = metrics.match(true, found)
    assert right.tolist() == [False, True, False, False]
    assert ious.tolist() == pytest.approx([0.8])


def test_detection() -> None:
    true = objects((0, 1, 0, 0, 0.5, 0.5), (1, 1, 0.5, 0.5, 1, 1))
    empty = objects()
    perfect = metrics.detection([true, empty], [true, empty], 3)
    assert perfect == {"box_iou": 1, "precision": 1, "recall": 1, "map50": 1}
    assert metrics.detection([true], [empty], 3) == {"box_iou": 0, "precision": 0, "recall": 0, "map50": 0}
    half = metrics.detection([true], [objects((0, 0.9, 0, 0, 0.5, 0.5), (2, 0.5, 0, 0, 1, 1))], 3)
    assert half == {"box_iou": 1, "precision": 0.5, "recall": 0.5, "map50": 0.5}
