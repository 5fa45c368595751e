"""What the client makes of answers that are more than one array."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from ..wire.tensor import as_bytes
from .transports import Array, Arrays


class Classification(NamedTuple):
    """The classes of n examples.

    Attributes:
        labels: the likeliest class of each (n).
        scores: its probability (n,), float32.
        probabilities: those of all classes (n, classes), float32.
    """

    labels: list[str]
    scores: Array
    probabilities: Array

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls(strings(arrays["label"]), arrays["score"], arrays["probabilities"])


class Segmentation(NamedTuple):
    """The classes of the pixels of n images.

    Attributes:
        mask: the likeliest class of each (n, height, width), uint8; the highest one there is means background.
        confidence: its probability (n, height, width), float32.
    """

    mask: Array
    confidence: Array


class Detection(NamedTuple):
    """What was found in one image, the surest first.

    Attributes:
        boxes: top, left, bottom and right of each, in pixels (count, 4), float32.
        scores: its probability (count,), float32.
        labels: its class (count).
    """

    boxes: Array
    scores: Array
    labels: list[str]

    @classmethod
    def all_of(cls, arrays: Arrays) -> list[Self]:
        """One for each image, without the rows that fill up."""
        rows = zip(arrays["boxes"], arrays["scores"], arrays["labels"], arrays["count"], strict=True)
        return [cls(boxes[:count], scores[:count], strings(labels[:count])) for boxes, scores, labels, count in rows]


class Neighbours(NamedTuple):
    """What lies near each of n words, the nearest first.

    Attributes:
        names: the words (n, count).
        similarities: the cosine of the angle to each (n, count), float32.
    """

    names: list[list[str]]
    similarities: Array

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls([strings(row) for row in arrays["names"]], arrays["similarities"])


def strings(array: Any) -> list[str]:
    """An array (n,) of bytes as texts."""
    return [as_bytes(each).decode() for each in array.tolist()]
