"""Tests of writing trained models with weights in half precision."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from PIL import Image

from tools.pretrained import COLOURS, MANY, PICTURE_BYTES, PICTURES, copy_pictures, halve, reduced


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


def gradient(file: Path, noise: float, width: int) -> np.ndarray:
    """Writes a picture with a gradient and noise. Returns its pixels."""
    rng = np.random.default_rng(0)
    values = np.linspace(0, 255, width)[None, :, None] + rng.normal(0, noise, (400, width, 3))
    pixels = values.clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(file)
    return pixels


def test_a_picture_gets_smaller_and_shows_the_same(tmp_path: Path) -> None:
    pixels = gradient(tmp_path / "a.png", noise=20, width=1200)
    result = reduced(tmp_path / "a.png")
    assert len(result) <= PICTURE_BYTES < (tmp_path / "a.png").stat().st_size
    (tmp_path / "b.png").write_bytes(result)
    with Image.open(tmp_path / "b.png") as found:
        assert found.mode == "P" and len(found.getcolors()) <= COLOURS
        assert found.width < 1200 and found.height == round(400 * found.width / 1200)
        wanted = Image.fromarray(pixels).resize(found.size, Image.Resampling.BOX)
        error = np.abs(np.asarray(found.convert("RGB"), float) - np.asarray(wanted, float)).mean()
    assert error < 8  # of 255


def test_a_small_picture_keeps_its_size(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", noise=0, width=300)
    (tmp_path / "b.png").write_bytes(reduced(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as found:
        assert found.size == (300, 400)


def test_a_picture_that_stays_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gradient(tmp_path / "a.png", noise=50, width=1200)
    monkeypatch.setattr("tools.pretrained.WIDTHS", (1200,))
    with pytest.raises(ValueError, match="too large, even with a width of 1200 pixels"):
        reduced(tmp_path / "a.png")


def test_the_pictures_that_say_most_are_copied(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "old.png").touch()
    assert PICTURES.index("words") < PICTURES.index("sum") < PICTURES.index("errors")
    for name in ("errors", "sum", "words", "another"):
        gradient(tmp_path / "from" / f"{name}.png", noise=0, width=30)
    copy_pictures(tmp_path / "from", tmp_path / "to")
    assert sorted(file.stem for file in (tmp_path / "to").iterdir()) == ["sum", "words"]
