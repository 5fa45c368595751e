"""Compares the step that finds objects with `tf.image.non_max_suppression` and the signature `detect`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.detector import MAX_BOXES, MAX_OVERLAP
from keras_gallery.serving.steps.boxes import suppressed

from ..task_models import cell_detector

LABELS = ["ant", "bee", "cicada"]


def tensorflow(boxes: Any, scores: Any, most: int, overlap: float) -> Any:
    rows = [tf.image.non_max_suppression(*each, most, overlap, 0.0).numpy() for each in zip(boxes, scores, strict=True)]
    return [np.pad(row, (0, most - len(row)), constant_values=-1) for row in rows]


def check(boxes: Any, scores: Any, most: int = MAX_BOXES, overlap: float = MAX_OVERLAP) -> Any:
    boxes, scores = np.array(boxes, np.float32), np.array(scores, np.float32)
    got = suppressed(boxes, scores, most, overlap)
    np.testing.assert_array_equal(got, tensorflow(boxes, scores, most, overlap))
    return got


@pytest.mark.parametrize("size", [0.02, 0.2, 0.9])
@pytest.mark.parametrize(("most", "overlap"), [(16, 0.5), (3, 0.5), (64, 0.1), (16, 0.0), (16, 1.0)])
def test_random_boxes(size: float, most: int, overlap: float) -> None:
    rng = np.random.default_rng(0)
    centre, side = rng.random((6, 40, 2)), size * rng.uniform(0.5, 1.5, (6, 40, 2))
    boxes = np.concatenate([centre - side / 2, centre + side / 2], -1)
    boxes[1::2, ::3] = boxes[1::2, ::3][..., [2, 1, 0, 3]]  # corners in another order
    boxes[2::3, ::4] = boxes[2::3, ::4][..., [2, 3, 0, 1]]
    scores = rng.uniform(-0.3, 1, (6, 40))
    scores[3:] = scores[3:].round(1)  # equal scores, and scores of 0
    assert len(np.unique(check(boxes, scores, most, overlap))) > 3


def test_overlaps_at_the_limit() -> None:
    """The overlap of the first two boxes is exactly a half: both remain. A third box overlaps by more."""
    boxes = [[0, 0, 2, 2], [0, 0, 2, 1], [0, 0, 2, 1.01], [0, 0, 1.99, 1]]
    assert check([boxes], [[0.9, 0.8, 0.7, 0.6]]).tolist() == [[0, 1] + [-1] * 14]


def test_integer_boxes_have_many_overlaps_at_the_limit() -> None:
    rng = np.random.default_rng(1)
    check(rng.integers(0, 4, (50, 12, 4)), rng.integers(0, 3, (50, 12)))


def test_boxes_without_area_infinite_boxes_and_scores() -> None:
    box, line = [0, 0, 1, 1], [0.5, 0, 0.5, 1]
    boxes = [[line, line, box, box, [0, 0, np.inf, np.inf], [-3e38, -3e38, 3e38, 3e38], [0, 0, 3e38, 3e38]]] * 3
    check(
        boxes, [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [0, -1, np.nan, 1, 1, 0, 1]]
    )


def test_no_boxes_and_no_images() -> None:
    check(np.zeros((2, 5, 4)), np.full((2, 5), -1.0))
    assert suppressed(np.zeros((0, 5, 4), np.float32), np.zeros((0, 5), np.float32), 16, 0.5).shape == (0, 16)


@pytest.mark.parametrize("batch", [0, 1, 7])
@pytest.mark.parametrize("size", [0.05, 0.9])
def test_the_part_and_the_step_of_a_signature_are_equal(batch: int, size: float) -> None:
    rng = np.random.default_rng(0)
    height, width = 5, 8
    p = rng.dirichlet(np.ones(4), (batch, height * width)).astype(np.float32)
    corner = rng.uniform(-0.2, 1, (batch, height * width, 2))
    boxes = np.concatenate([corner, corner + size], -1).astype(np.float32)
    image = np.zeros((batch, height, width, 8), np.float32)
    part = endpoints(cell_detector(height, width, 3), labels=LABELS)["detect"].parts[-1]
    assert part.step is not None and part.reads == ("cell_probabilities", "cell_boxes", "image")
    want = {name: value.numpy() for name, value in part.function(p, boxes, image).items()}
    got = part.step().run(dict(zip(part.reads, (p, boxes, image), strict=True)), {})
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].dtype == value.dtype and got[name].shape == value.shape, name
        np.testing.assert_array_equal(got[name], value)
    assert not batch or want["count"].min() > 0
