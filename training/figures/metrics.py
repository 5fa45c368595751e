"""Computes metrics of predicted classes, numbers, boxes and texts with NumPy."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...models.grid import Objects, intersection_over_union

Floats = NDArray[np.float32]
Classes = NDArray[np.int64]

LEAST_PROBABILITY = 1e-7  # smaller probabilities are raised to this value, as in Keras's loss
OVERLAP = 0.5  # lowest intersection over union of a correct box


def accuracy(labels: Classes, probabilities: Floats) -> float:
    """Returns the fraction of examples whose most probable class is the label."""
    return float(np.mean(probabilities.argmax(axis=-1) == labels))


def cross_entropy(labels: Classes, probabilities: Floats) -> float:
    """Returns −log ŷ_ℓ in nats, averaged over the examples.

    Args:
        labels: ℓ, `(n,)`.
        probabilities: ŷ, `(n, classes)`.
    """
    of_label = np.take_along_axis(probabilities, labels[:, None], axis=1).astype(np.float64)
    return float(-np.log(of_label.clip(LEAST_PROBABILITY)).mean())


def balanced_accuracy(labels: Classes, predicted: Classes) -> float:
    """Returns the share of correct examples of each class, averaged over the classes that the labels have."""
    return float(np.mean([np.mean(predicted[labels == label] == label) for label in np.unique(labels)]))


def confusion(labels: Classes, predicted: Classes, classes: int) -> NDArray[np.int64]:
    """Returns the confusion matrix `(classes, classes)`: the number of examples of each true and predicted class.

    Rows are true classes, and columns are predicted classes.
    """
    return np.bincount(labels.ravel() * classes + predicted.ravel(), minlength=classes**2).reshape(classes, classes)


def class_ious(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the intersection over union of each class from a confusion matrix.

    It is NaN for a class that is neither in the labels nor in the predictions.
    """
    intersection = counts.diagonal().astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - intersection
    empty = np.full_like(intersection, np.nan)
    ious: NDArray[np.float64] = np.divide(intersection, union, out=empty, where=union > 0)
    return ious


def r2(targets: Floats, predicted: Floats) -> float:
    """Returns the coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − mean y)². It is NaN if all targets are equal."""
    unexplained = np.sum(np.square(targets - predicted, dtype=np.float64))
    total = np.sum(np.square(targets - targets.mean(axis=0), dtype=np.float64))
    return float(1 - unexplained / total) if total else math.nan


def match(true: Objects, detected: Objects) -> tuple[NDArray[np.bool_], Floats]:
    """Matches the detected objects of an image with the true objects.

    The detected objects are processed in descending order of their scores. Each is compared with the true objects of
    its class that are not matched yet. If the largest intersection over union is at least `OVERLAP`, the detected
    object is correct and is matched with that true object.

    Returns:
        Whether each detected object is correct, `(detected,)`, and the intersection over union of each correct object.
    """
    correct = np.zeros(len(detected.labels), np.bool_)
    ious: list[float] = []
    free = np.ones(len(true.labels), np.bool_)
    overlaps = intersection_over_union(detected.boxes, true.boxes)  # (detected, true)
    for index in np.argsort(-detected.scores, kind="stable"):
        candidates = np.where(free & (true.labels == detected.labels[index]), overlaps[index], -1.0)
        best = int(candidates.argmax()) if len(candidates) else -1
        if best >= 0 and candidates[best] >= OVERLAP:
            correct[index], free[best] = True, False
            ious.append(float(candidates[best]))
    return correct, np.array(ious, np.float32)


def average_precision(scores: Floats, correct: NDArray[np.bool_], count: int) -> float:
    """Returns the average precision: the area under the precision–recall curve.

    First, the precision at each recall is replaced with the largest precision at this or a higher recall. Then all
    points of the curve are used, as in Pascal VOC from 2010 on.

    Args:
        scores: scores of all detected objects of a class, `(detected,)`.
        correct: whether each detected object is correct, `(detected,)`.
        count: number of true objects of the class, above 0.
    """
    order = np.argsort(-scores, kind="stable")
    hits = correct[order].cumsum()
    precision = hits / np.arange(1, len(hits) + 1)
    largest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(largest[correct[order]]) / count)


def detection(true: Sequence[Objects], detected: Sequence[Objects], classes: int) -> dict[str, float]:
    """Returns the metrics of a detector over all images.

    Args:
        true: true objects of each image.
        detected: detected objects of each image.
        classes: number of classes.

    Returns:
        `box_iou`: the mean intersection over union of the correct objects; 0 without correct objects.
        `precision` and `recall`: the fractions of the detected and of the true objects that are matched.
        `map50`: the average precision, averaged over the classes that have true objects.
    """
    matches = [match(*pair) for pair in zip(true, detected, strict=True)]
    correct = np.concatenate([each[0] for each in matches])
    ious = np.concatenate([each[1] for each in matches])
    labels = np.concatenate([each.labels for each in detected])
    scores = np.concatenate([each.scores for each in detected])
    counts = np.bincount(np.concatenate([each.labels for each in true]), minlength=classes)
    precisions = [
        average_precision(scores[labels == label], correct[labels == label], int(counts[label]))
        for label in range(classes)
        if counts[label]
    ]
    return {
        "box_iou": float(ious.mean()) if len(ious) else 0.0,
        "precision": float(correct.mean()) if len(correct) else 0.0,
        "recall": float(correct.sum() / counts.sum()),
        "map50": float(np.mean(precisions)),
    }


def edits(true: Sequence[int], predicted: Sequence[int]) -> int:
    """Returns the Levenshtein distance: the least number of insertions, deletions and replacements of tokens."""
    above = list(range(len(true) + 1))
    for row, token in enumerate(predicted, 1):
        line = [row]
        for column, true_token in enumerate(true, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (token != true_token)))
        above = line
    return above[-1]
