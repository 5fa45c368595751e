"""Figures of what a model tells of examples, by NumPy: classes, values, the class of each pixel, boxes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...models.grid import Objects, intersection_over_union

Floats = NDArray[np.float32]
Classes = NDArray[np.int64]

LEAST_PROBABILITY = 1e-7  # as in Keras's loss
OVERLAP = 0.5  # intersection over union from which on a box is found


def accuracy(wanted: Classes, probabilities: Floats) -> float:
    """Share of the examples whose likeliest class is right."""
    return float(np.mean(probabilities.argmax(axis=-1) == wanted))


def cross_entropy(wanted: Classes, probabilities: Floats) -> float:
    """−log ŷ_ℓ in nats: mean over the examples.

    Args:
        wanted: ℓ, `(n,)`.
        probabilities: ŷ, `(n, classes)`.
    """
    right = np.take_along_axis(probabilities, wanted[:, None], axis=1).astype(np.float64)
    return float(-np.log(right.clip(LEAST_PROBABILITY)).mean())


def confusion(wanted: Classes, told: Classes, classes: int) -> NDArray[np.int64]:
    """How often each class (rows) was told as each class (columns)."""
    return np.bincount(wanted.ravel() * classes + told.ravel(), minlength=classes**2).reshape(classes, classes)


def class_ious(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class, from a confusion matrix; NaN for a class that is nowhere."""
    shared = counts.diagonal().astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - shared
    ious: NDArray[np.float64] = np.divide(shared, union, out=np.full_like(shared, np.nan), where=union > 0)
    return ious


def r2(wanted: Floats, predicted: Floats) -> float:
    """Share of the values' variance that is explained: 1 − Σ(y − ŷ)² / Σ(y − mean y)²."""
    rest = np.sum(np.square(wanted - predicted, dtype=np.float64))
    return float(1 - rest / np.sum(np.square(wanted - wanted.mean(axis=0), dtype=np.float64)))


def match(wanted: Objects, found: Objects) -> tuple[NDArray[np.bool_], Floats]:
    """Which of the found objects are right, and how well their boxes fit.

    The surest first, each takes the object of its class that it overlaps most, if nobody took it and they overlap by
    half.

    Returns:
        `(found,)` whether each is right, and the intersection over union of those.
    """
    right = np.zeros(len(found.labels), np.bool_)
    ious: list[float] = []
    free = np.ones(len(wanted.labels), np.bool_)
    overlaps = intersection_over_union(found.boxes, wanted.boxes)  # (found, wanted)
    for index in np.argsort(-found.scores, kind="stable"):
        fitting = np.where(free & (wanted.labels == found.labels[index]), overlaps[index], -1.0)
        best = int(fitting.argmax()) if len(fitting) else -1
        if best >= 0 and fitting[best] >= OVERLAP:
            right[index], free[best] = True, False
            ious.append(float(fitting[best]))
    return right, np.array(ious, np.float32)


def average_precision(scores: Floats, right: NDArray[np.bool_], wanted: int) -> float:
    """Area under precision over recall, precision made to fall (all points, as in Pascal VOC from 2010 on).

    Args:
        scores: of all found objects of a class, `(found,)`.
        right: which of them are, `(found,)`.
        wanted: how many objects of the class there are, above 0.
    """
    order = np.argsort(-scores, kind="stable")
    hits = right[order].cumsum()
    precision = hits / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(falling[right[order]]) / wanted)


def detection(wanted: Sequence[Objects], found: Sequence[Objects], classes: int) -> dict[str, float]:
    """The figures of a detector, over all images.

    Returns:
        `box_iou`: mean intersection over union of the objects found; `precision` and `recall`; `map50`: the average
        precision of a class, mean over the classes.
    """
    matches = [match(*pair) for pair in zip(wanted, found, strict=True)]
    right = np.concatenate([each[0] for each in matches])
    ious = np.concatenate([each[1] for each in matches])
    labels = np.concatenate([each.labels for each in found])
    scores = np.concatenate([each.scores for each in found])
    there = np.bincount(np.concatenate([each.labels for each in wanted]), minlength=classes)
    precisions = [
        average_precision(scores[labels == label], right[labels == label], int(there[label]))
        for label in range(classes)
        if there[label]
    ]
    return {
        "box_iou": float(ious.mean()) if len(ious) else 0.0,
        "precision": float(right.mean()) if len(right) else 0.0,
        "recall": float(right.sum() / there.sum()),
        "map50": float(np.mean(precisions)),
    }


def edits(wanted: Sequence[int], told: Sequence[int]) -> int:
    """How many tokens at least are to be put in, left out or replaced to make `wanted` of `told` (Levenshtein)."""
    above = list(range(len(wanted) + 1))
    for row, token in enumerate(told, 1):
        line = [row]
        for column, true in enumerate(wanted, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (token != true)))
        above = line
    return above[-1]
