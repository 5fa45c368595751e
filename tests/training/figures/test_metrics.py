"""Metrics of classes, numbers, pixels and boxes, compared with scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.models.grid import Objects
from keras_gallery.training.figures import metrics
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, jaccard_score, log_loss, r2_score

RNG = np.random.default_rng(0)


def test_classes() -> None:
    wanted = RNG.integers(0, 4, 50)
    exact = RNG.dirichlet(np.ones(4), 50)
    probabilities = exact.astype(np.float32)
    told = probabilities.argmax(axis=1)
    assert metrics.accuracy(wanted, probabilities) == accuracy_score(wanted, told)
    expected = log_loss(wanted, exact, labels=range(4))
    assert metrics.cross_entropy(wanted, probabilities) == pytest.approx(expected, rel=1e-5)
    counts = metrics.confusion(wanted, told, 4)
    np.testing.assert_array_equal(counts, confusion_matrix(wanted, told))
    np.testing.assert_allclose(metrics.class_ious(counts), jaccard_score(wanted, told, average=None))


def test_class_without_examples_has_no_iou() -> None:
    assert np.isnan(metrics.class_ious(np.array([[3, 0], [0, 0]]))).tolist() == [False, True]


def test_a_certain_mistake_has_a_finite_cross_entropy() -> None:
    assert metrics.cross_entropy(np.array([1]), np.array([[1, 0]], np.float32)) == pytest.approx(-np.log(1e-7))


def test_r2() -> None:
    wanted, predicted = RNG.random((20, 1), np.float32), RNG.random((20, 1), np.float32)
    assert metrics.r2(wanted, predicted) == pytest.approx(r2_score(wanted, predicted), rel=1e-5)


def test_average_precision() -> None:
    """If the precision never rises with the recall, the area equals that of scikit-learn."""
    scores, right = np.array([0.9, 0.8, 0.7, 0.6], np.float32), np.array([True, True, False, True])
    assert metrics.average_precision(scores, right, 3) == pytest.approx(average_precision_score(right, scores))
    # There are 6 true objects; the third hit comes after two mistakes, so the precision is 3/5.
    scores, right = np.arange(5, 0, -1, np.float32), np.array([True, False, False, True, True])
    assert metrics.average_precision(scores, right, 6) == pytest.approx((1 + 3 / 5 + 3 / 5) / 6)


def objects(*rows: tuple[float, ...]) -> Objects:
    """Returns objects from rows of (label, score, top, left, bottom, right)."""
    array = np.array(rows, np.float32).reshape(-1, 6)
    return Objects(array[:, 2:], array[:, 0].astype(np.int32), array[:, 1])


def test_each_object_is_matched_once() -> None:
    wanted = objects((1, 1, 0, 0, 0.5, 0.5), (2, 1, 0.5, 0.5, 1, 1))
    found = objects(
        (1, 0.6, 0, 0, 0.5, 0.5),  # exact box, but a lower score than the next
        (1, 0.9, 0, 0, 0.5, 0.4),  # IoU 0.8
        (2, 0.8, 0.5, 0.5, 1, 0.7),  # IoU 0.4
        (3, 0.7, 0.5, 0.5, 1, 1),  # another digit
    )
    right, ious = metrics.match(wanted, found)
    assert right.tolist() == [False, True, False, False]
    assert ious.tolist() == pytest.approx([0.8])


def test_detection() -> None:
    wanted = objects((0, 1, 0, 0, 0.5, 0.5), (1, 1, 0.5, 0.5, 1, 1))
    nothing = objects()
    perfect = metrics.detection([wanted, nothing], [wanted, nothing], 3)
    assert perfect == {"box_iou": 1, "precision": 1, "recall": 1, "map50": 1}
    assert metrics.detection([wanted], [nothing], 3) == {"box_iou": 0, "precision": 0, "recall": 0, "map50": 0}
    half = metrics.detection([wanted], [objects((0, 0.9, 0, 0, 0.5, 0.5), (2, 0.5, 0, 0, 1, 1))], 3)
    assert half == {"box_iou": 1, "precision": 0.5, "recall": 0.5, "map50": 0.5}
