"""Compares the outputs of the signature `detect` with greedy non-maximum suppression in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.signatures import endpoints

from ..task_models import cell_detector, quadrant_detector

HEIGHT, WIDTH, CLASSES = 5, 8, 3
Found = list[tuple[Any, float, str]]


def detect(image: Any) -> dict[str, Any]:
    """Returns the outputs of `detect` for images whose pixels are cells (batch, HEIGHT, WIDTH, CLASSES + 5)."""
    endpoint = endpoints(cell_detector(HEIGHT, WIDTH, CLASSES), labels=["ant", "bee", "cicada"])["detect"]
    return {name: value.numpy() for name, value in endpoint.function(tf.constant(image, tf.float32)).items()}


def overlap(a: Any, b: Any) -> float:
    """Returns the intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = sides.clip(0).prod()
    return float(both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both))


def greedy(cells: Any, most: int = 16) -> Found:
    """Returns the (box, score, label) triples that greedy suppression keeps.

    Greedy suppression visits the boxes by descending score. It keeps a box if the overlap with each kept box is at most
    a half.
    """
    cells = cells.reshape(-1, CLASSES + 5)
    rest = [(cell[-4:], cell[:-4].max(), cell[:-4].argmax()) for cell in cells if cell[:-4].argmax() < CLASSES]
    kept: list[Any] = []
    for box, score, number in sorted(rest, key=lambda each: -each[1]):
        if all(overlap(box, taken) <= 0.5 for taken, _, _ in kept):
            kept.append((box, score, number))
    size = np.array([HEIGHT, WIDTH, HEIGHT, WIDTH])
    return [(box.clip(0, 1) * size, score, ["ant", "bee", "cicada"][number]) for box, score, number in kept[:most]]


def random_cells(rng: np.random.Generator, batch: int, size: float) -> Any:
    p = rng.dirichlet(np.ones(CLASSES + 1), (batch, HEIGHT, WIDTH))
    centre, side = rng.random((batch, HEIGHT, WIDTH, 2)), size * rng.uniform(0.8, 1, (batch, HEIGHT, WIDTH, 2))
    boxes = [centre - side / 2, centre + side / 2]  # some boxes extend beyond the image
    return np.concatenate([p, *boxes], -1).astype(np.float32)


@pytest.mark.parametrize("size", [0.05, 0.3, 0.9])  # size of the boxes
def test_outputs_equal_greedy_suppression(size: float) -> None:
    images = random_cells(np.random.default_rng(0), 20, size)
    got, want = detect(images), [greedy(image) for image in images]
    assert got["boxes"].shape == (20, 16, 4) and got["scores"].shape == got["labels"].shape == (20, 16)
    np.testing.assert_array_equal(got["count"], [len(each) for each in want])
    for row, each in enumerate(want):
        count = len(each)
        assert got["labels"][row].tolist() == [label.encode() for _, _, label in each] + [b""] * (16 - count)
        np.testing.assert_allclose(got["scores"][row], [s for _, s, _ in each] + [0] * (16 - count), atol=1e-6)
        np.testing.assert_allclose(got["boxes"][row, :count].ravel(), np.ravel([b for b, _, _ in each]), atol=1e-5)
        assert not got["boxes"][row, count:].any()
    # Small boxes fill all 16 rows. Large boxes suppress so many other boxes that some rows stay empty.
    objects = (images[..., :-4].argmax(-1) < CLASSES).sum((1, 2))
    assert (
        objects.min() > 16 and (got["count"] == 16).all() == (size < 0.9) and (got["count"] < 16).all() == (size == 0.9)
    )


def test_boxes_that_overlap() -> None:
    cells = np.zeros((1, HEIGHT, WIDTH, CLASSES + 5), np.float32)
    cells[..., CLASSES] = 0.3  # no object
    cells[..., -4:] = [0.2, 0.25, 0.8, 0.75]
    cells[0, 0, 0, 1], cells[0, 0, 1, 0], cells[0, 0, 2, 1] = 0.9, 0.8, 0.4  # one object in three cells
    cells[0, 4, 7, [2, CLASSES]] = 0.45, 0.5
    cells[0, 4, 6, 2], cells[0, 4, 6, -4:] = 0.4, [0.6, 0.5, 1.2, 1]  # overlaps the box of "bee" by less than half
    got = detect(cells)
    assert got["count"] == [2] and got["labels"][0, :3].tolist() == [b"bee", b"cicada", b""]
    np.testing.assert_allclose(got["scores"][0, :3], [0.9, 0.4, 0])
    np.testing.assert_allclose(got["boxes"][0, :3], [[1, 2, 4, 6], [3, 4, 5, 8], [0, 0, 0, 0]], atol=1e-6)


def test_an_image_without_objects() -> None:
    cells = np.zeros((2, HEIGHT, WIDTH, CLASSES + 5), np.float32)
    cells[..., CLASSES] = 1
    got = detect(cells)
    assert not got["boxes"].any() and not got["scores"].any() and not got["count"].any()
    assert set(got["labels"].ravel()) == {b""}


@pytest.mark.parametrize("bright", [[], [2], [3, 0, 1]])
def test_positions_of_objects(bright: list[int]) -> None:
    image = np.zeros((1, 2, 4, 2, 4, 1))  # (batch, two halves of 4 rows, two halves of 4 columns, channels)
    for rank, quadrant in enumerate(bright):
        image[:, quadrant // 2, :, quadrant % 2] = 0.9 - rank / 10
    got = endpoints(quadrant_detector())["detect"].function(tf.constant(image.reshape(1, 8, 8, 1), tf.float32))
    assert got["count"].numpy().tolist() == [len(bright)]
    boxes = [[4 * (q // 2), 4 * (q % 2), 4 * (q // 2) + 4, 4 * (q % 2) + 4] for q in bright]
    np.testing.assert_allclose(got["boxes"][0, : len(bright)].numpy().reshape(-1, 4), np.reshape(boxes, (-1, 4)))
    assert got["labels"][0].numpy().tolist() == [b"0"] * len(bright) + [b""] * (16 - len(bright))
