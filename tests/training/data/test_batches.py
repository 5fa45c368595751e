"""Tests of the random changes of training images: binarisation, shift and mirroring."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras_gallery.training.data.augmentation import augment
from keras_gallery.training.data.batches import Batches, Images, binarize, is_black_and_white, mirror, shift


def test_mean_of_the_binary_values_is_the_grey_value() -> None:
    grey = np.broadcast_to(np.float32([0, 0.2, 0.7, 1]), (20_000, 4))
    binary = binarize(grey, np.random.default_rng(0))
    assert set(np.unique(binary)) == {0, 1} and binary.dtype == np.float32
    np.testing.assert_allclose(binary.mean(axis=0), grey[0], atol=0.015)  # more than four standard errors


def binarized(x: Images, y: Images, rng: np.random.Generator) -> tuple[Images, Images]:
    images = binarize(x, rng)
    return images, images


def test_each_epoch_has_every_image_once() -> None:
    images = np.zeros((10, 2, 3, 1), np.float32)
    images[np.arange(6), np.arange(6) // 3, np.arange(6) % 3] = (
        1  # six different binary images, and four with random values
    )
    images[6:] = 0.5  # four images whose values are 0 or 1 with probability 1/2
    batches = Batches(images, images, 4, 0, binarized)
    assert len(batches) == 3

    def epoch() -> np.ndarray:
        pairs = [batches[index] for index in range(len(batches))]
        assert [len(x) for x, _ in pairs] == [4, 4, 2]
        assert all((x == y).all() for x, y in pairs)
        return np.concatenate([x for x, _ in pairs])

    first = epoch()
    batches.begin_epoch(1)
    second = epoch()
    certain = np.sort(images[:6].reshape(6, -1) @ 2.0 ** np.arange(6))
    for images_of_epoch in (first, second):
        codes = images_of_epoch.reshape(10, -1) @ 2.0 ** np.arange(6)
        assert set(certain) <= set(codes)
    assert (first != second).any()
    again = Batches(images, images, 4, 0, binarized)
    np.testing.assert_array_equal(again[0][0], first[:4])


def test_batches_depend_only_on_seed_epoch_and_number() -> None:
    """A resumed training begins with a later epoch, and Keras may ask for some batches twice."""
    x, y = np.random.default_rng(0).random((9, 2, 2, 1), np.float32), {"a": np.arange(9), "b": np.arange(9) * 2}
    weights = np.arange(9, dtype=np.float32)

    def change(images: Images, targets: dict[str, Any], rng: np.random.Generator) -> tuple[Images, dict[str, Any]]:
        return binarize(images, rng), targets

    batches, resumed = (Batches(x, y, 4, 3, change, weights) for _ in range(2))
    first = [batches[index] for index in range(3)]
    batches.begin_epoch(1)
    second = [batches[index] for index in (0, 0, 2, 1)]
    resumed.begin_epoch(1)
    for index, (images, targets, weight) in zip((0, 0, 2, 1), second, strict=True):
        again = resumed[index]
        np.testing.assert_array_equal(again[0], images)
        np.testing.assert_array_equal(targets["a"] * 2, targets["b"])
        np.testing.assert_array_equal(targets["a"], weight)
        np.testing.assert_array_equal(again[2], weight)
    assert (first[0][2] != second[0][2]).any()
    assert sorted(np.concatenate([each[2] for each in first])) == list(range(9))


def test_augmentation_by_layers_of_keras() -> None:
    images = np.random.default_rng(1).random((40, 12, 12, 3), np.float32)
    flipped = augment(["flip"])(images, np.random.default_rng(0))
    is_flipped = np.array([(flipped[i] == images[i, :, ::-1]).all() for i in range(40)])
    is_same = np.array([(flipped[i] == images[i]).all() for i in range(40)])
    assert (is_flipped ^ is_same).all() and 8 <= is_flipped.sum() <= 32
    for name in ("shift", "rotate", "crop"):
        change = augment([name])
        changed = change(images, np.random.default_rng(0))
        assert changed.shape == images.shape and changed.dtype == np.float32
        assert 0 <= changed.min() and changed.max() <= 1
        assert (changed != images).any(axis=(1, 2, 3)).sum() > 30
        np.testing.assert_array_equal(change(images, np.random.default_rng(0)), changed)
        grey = np.full((2, 12, 12, 1), 0.25, np.float32)  # new pixels have the value of the nearest pixel
        np.testing.assert_allclose(change(grey, np.random.default_rng(0)), grey, atol=1e-6)


def test_shift_moves_all_images_equally() -> None:
    """A bright pixel moves by at most 1 in each direction, so it appears in nine positions."""
    images = np.zeros((2, 5, 4, 1), np.float32)
    images[:, 2, 1] = 1
    positions = set()
    rng = np.random.default_rng(0)
    for _ in range(100):
        moved = shift(images, rng)
        assert moved.shape == images.shape and moved.sum() == 2
        np.testing.assert_array_equal(moved[0], moved[1])
        positions.add(tuple(int(axis) for axis in np.argwhere(moved[0])[0][:2]))
    assert positions == {(row, column) for row in (1, 2, 3) for column in (0, 1, 2)}


def test_pixels_that_leave_the_image_are_lost() -> None:
    images = np.ones((1, 3, 3, 1), np.float32)
    sums = {float(shift(images, np.random.default_rng(seed)).sum()) for seed in range(50)}
    assert sums == {4.0, 6.0, 9.0}


def test_mirror_changes_each_image_separately() -> None:
    """A pixel is in column 3, or 5 if mirrored, and moves by at most 2 in each direction. Images keep their targets."""
    images = np.zeros((500, 9, 9, 1), np.float32)
    images[:, 4, 3] = np.arange(1, 501, dtype=np.float32).reshape(-1, 1) / 500
    changed = mirror(images, np.random.default_rng(0))
    assert changed.shape == images.shape and changed.dtype == np.float32
    which, rows, columns, _ = np.nonzero(changed)
    np.testing.assert_array_equal(which, np.arange(500))
    np.testing.assert_array_equal(changed.max(axis=(1, 2, 3)), images.max(axis=(1, 2, 3)))
    assert set(rows) == {2, 3, 4, 5, 6} and set(columns) == {1, 2, 3, 4, 5, 6, 7}  # 3 ± 2 or 5 ± 2
    batches = Batches(images, np.arange(500), 64, 0, lambda x, y, rng: (mirror(x, rng), y))
    x, y = batches[0]
    np.testing.assert_array_equal((x.max(axis=(1, 2, 3)) * 500).round(), y + 1)


def test_digits_are_black_and_white_and_photographs_are_not() -> None:
    from skimage import data

    values = np.repeat(np.float32([0.02, 0.98, 0.12, 0.88]), [50, 30, 10, 10]).reshape(1, 10, 10, 1)
    assert is_black_and_white(values)  # exactly 80 %
    values[0, 0, 0] = 0.5
    assert not is_black_and_white(values)
    assert is_black_and_white(data.page()[None, ..., None] > 128)
    assert not is_black_and_white((data.astronaut()[None] / 255).astype(np.float32))
