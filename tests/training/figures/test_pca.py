"""Compares principal components with NumPy's singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.figures import pca
from keras_gallery.training.figures.pca import Components

RNG = np.random.default_rng(0)
TRAIN = RNG.random((40, 4, 3, 1), np.float32)
TEST = RNG.random((5, 4, 3, 1), np.float32)


def test_projection_and_codes() -> None:
    flat, found = TRAIN.reshape(40, -1), Components(TRAIN)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean)[2][:3]  # (3 components, 12 pixels)
    codes = (TEST.reshape(5, -1) - mean) @ axes.T
    expected = (codes @ axes + mean).reshape(TEST.shape)
    np.testing.assert_allclose(found.reconstruct(TEST, 3), expected, atol=1e-5)
    np.testing.assert_allclose(np.abs(found.encode(TEST, 3)), np.abs(codes), atol=1e-5)  # the sign is arbitrary


def test_full_size_code_is_exact() -> None:
    for code_dim in (12, 500):
        np.testing.assert_allclose(Components(TRAIN).reconstruct(TEST, code_dim), TEST, atol=1e-5)


def test_few_large_images_have_the_same_components() -> None:
    few = RNG.random((7, 8, 8, 3), np.float32)
    flat, test = few.reshape(7, -1), RNG.random((5, 8, 8, 3), np.float32)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean)[2][:3]
    expected = ((test.reshape(5, -1) - mean) @ axes.T @ axes + mean).reshape(test.shape)
    np.testing.assert_allclose(Components(few).reconstruct(test, 3), expected, atol=1e-5)
    np.testing.assert_allclose(Components(few).reconstruct(few, 500), few, atol=1e-4)  # six components are all


def test_very_large_images_use_a_bounded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca, "MOST_VALUES", 100)
    monkeypatch.setattr(pca, "MOST_IMAGES", 4)
    components = Components(RNG.random((9, 8, 8, 3), np.float32))
    assert components.used == 4 and len(components.axes) == 3
