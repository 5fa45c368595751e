"""Tests of writing trained models with weights in half precision."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create

from tools.pretrained import MANY, halve


def test_large_weights_are_in_half_precision(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = create("dense_autoencoder", image_shape=(8, 8, 1), code_dim=32)
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    model.save(tmp_path / "model.keras")
    halve(tmp_path / "model.keras", tmp_path / "half.keras")
    loaded = keras.saving.load_model(tmp_path / "half.keras")
    sizes = set()
    for old, new in zip(model.weights, loaded.weights, strict=True):
        is_large = old.numpy().size >= MANY
        sizes.add(is_large)
        assert new.dtype == "float32"
        wanted = np.asarray(old).astype(np.float16 if is_large else np.float32).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(new), wanted)
    assert sizes == {True, False}
    assert (tmp_path / "half.keras").stat().st_size < 0.7 * (tmp_path / "model.keras").stat().st_size
    again = tmp_path / "again.keras"
    halve(tmp_path / "model.keras", again)
    assert again.read_bytes() == (tmp_path / "half.keras").read_bytes()
