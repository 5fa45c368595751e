"""Compares principal components with NumPy's singular value decomposition."""

from __future__ import annotations

import numpy as np
from keras_gallery.training.figures.pca import Components

RNG = np.random.default_rng(0)
TRAIN = RNG.random((40, 4, 3, 1), np.float32)
TEST = RNG.random((5, 4, 3, 1), np.float32)


def test_projection_and_codes() -> None:
    flat, pca = TRAIN.reshape(40, -1), Components(TRAIN)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean)[2][:3]  # (3 components, 12 pixels)
    codes = (TEST.reshape(5, -1) - mean) @ axes.T
    expected = (codes @ axes + mean).reshape(TEST.shape)
    np.testing.assert_allclose(pca.reconstruct(TEST, 3), expected, atol=1e-5)
    np.testing.assert_allclose(np.abs(pca.encode(TEST, 3)), np.abs(codes), atol=1e-5)  # the sign is arbitrary


def test_full_size_code_is_exact() -> None:
    for code_dim in (12, 500):
        np.testing.assert_allclose(Components(TRAIN).reconstruct(TEST, code_dim), TEST, atol=1e-5)
