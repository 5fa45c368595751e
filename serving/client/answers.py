"""The results of client calls that return more than one array."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from ..wire.tensor import as_bytes
from .transports import Array, Arrays


class Classification(NamedTuple):
    """The classes of n examples.

    Attributes:
        labels: the most probable class of each example, n strings.
        scores: the probability of this class (n,), float32.
        probabilities: the probabilities of all classes (n, classes), float32.
    """

    labels: list[str]
    scores: Array
    probabilities: Array

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls(strings(arrays["label"]), arrays["score"], arrays["probabilities"])


class Tags(NamedTuple):
    """The tags of a text.

    Attributes:
        labels: the most probable tag of each token, `count` strings.
        scores: the probability of this tag (count,), float32.
        probabilities: the probabilities of all tags (count, tags), float32.
    """

    labels: list[str]
    scores: Array
    probabilities: Array

    @classmethod
    def all_of(cls, arrays: Arrays) -> list[Self]:
        """Returns the tags of each text, without the padding at the end."""
        found = []
        for label, scores, p in zip(arrays["label"], arrays["score"], arrays["probabilities"], strict=True):
            labels = strings(label)
            count = max((place for place, each in enumerate(labels, 1) if each), default=0)
            found.append(cls(labels[:count], scores[:count], p[:count]))
        return found


class Segmentation(NamedTuple):
    """The classes of the pixels of n images.

    Attributes:
        mask: the most probable class of each pixel (n, height, width), uint8. The last class is the background.
        confidence: the probability of this class (n, height, width), float32.
    """

    mask: Array
    confidence: Array


class Detection(NamedTuple):
    """The objects in an image, sorted by descending score.

    Attributes:
        boxes: top, left, bottom and right of each object, in pixels (count, 4), float32.
        scores: the probability of each object (count,), float32.
        labels: the class of each object, `count` strings.
    """

    boxes: Array
    scores: Array
    labels: list[str]

    @classmethod
    def all_of(cls, arrays: Arrays) -> list[Self]:
        """Returns the detections of each image, without the padding rows."""
        rows = zip(arrays["boxes"], arrays["scores"], arrays["labels"], arrays["count"], strict=True)
        return [cls(boxes[:count], scores[:count], strings(labels[:count])) for boxes, scores, labels, count in rows]


class Anomalies(NamedTuple):
    """The scores of n examples.

    Attributes:
        scores: the reconstruction errors (n,), float32.
        is_anomaly: whether each score is above the threshold (n,), bool.
    """

    scores: Array
    is_anomaly: Array


class Neighbours(NamedTuple):
    """The nearest neighbours of n words, or the answers to n analogies, sorted by descending similarity.

    Attributes:
        names: the neighbours of each word, n lists of `count` strings.
        similarities: the cosine similarity of each neighbour (n, count), float32.
    """

    names: list[list[str]]
    similarities: Array

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls([strings(row) for row in arrays["names"]], arrays["similarities"])


class GeneratedTexts(NamedTuple):
    """The texts that a beam search found for n inputs, the most probable first.

    Attributes:
        texts: the texts of each input, n lists of `beam` strings.
        scores: the logarithm of the probability of each text (n, beam), float32.
    """

    texts: list[list[str]]
    scores: Array

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        return cls([strings(row) for row in arrays["texts"]], arrays["scores"])


def strings(array: Any) -> list[str]:
    """Decodes an array (n,) of bytes to strings."""
    return [as_bytes(each).decode() for each in array.tolist()]
