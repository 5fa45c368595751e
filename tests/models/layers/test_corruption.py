"""Compares the noise of the layer `Corruption` with the formulas of its moments and frequencies."""

from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter
from keras_gallery.models.layers.corruption import Corruption, Noise, corrupt
from scipy.stats import norm

PIXELS = 400_000
every_noise = pytest.mark.parametrize("noise", get_args(Noise))


def corrupted(value: float, noise: Noise, level: float, seed: int = 0) -> np.ndarray:
    return np.array(corrupt(np.full((4, PIXELS // 4), value, np.float32), noise, level, seed))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("level", [0.1, 0.4, 1.0])
def test_gaussian_moments(value: float, level: float) -> None:
    """A pixel v with Gaussian noise of standard deviation σ, clipped to [0, 1], is c. The moments of c are:

    E[c] = v(Φ(b)−Φ(a)) + σ(φ(a)−φ(b)) + P(above 1)
    E[c²] = (v²+σ²)(Φ(b)−Φ(a)) + σ((v+0)φ(a) − (v+1)φ(b)) + P(above 1)

    Here a = −v/σ and b = (1−v)/σ. Φ and φ are the standard normal CDF and density.
    """
    a, b = -value / level, (1 - value) / level
    inside = norm.cdf(b) - norm.cdf(a)
    mean = value * inside + level * (norm.pdf(a) - norm.pdf(b)) + norm.sf(b)
    square = (value**2 + level**2) * inside + level * (value * norm.pdf(a) - (value + 1) * norm.pdf(b)) + norm.sf(b)
    found = corrupted(value, "gaussian", level).astype(np.float64)
    error = 5 / np.sqrt(PIXELS)  # five standard errors of a value in [0, 1]
    assert found.min() >= 0 and found.max() <= 1
    assert abs(found.mean() - mean) < error
    assert abs((found**2).mean() - square) < error
    assert abs((found == 0).mean() - norm.cdf(a)) < error
    assert abs((found == 1).mean() - norm.sf(b)) < error


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_masking_sets_a_fraction_to_zero(level: float) -> None:
    found = corrupted(0.3, "masking", level)
    assert abs((found == 0).mean() - level) < 5 / np.sqrt(PIXELS)
    assert set(np.unique(found)) <= {np.float32(0), np.float32(0.3)}


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_salt_and_pepper_are_equally_frequent(level: float) -> None:
    found = corrupted(0.3, "salt_and_pepper", level)
    for noisy in (0, 1):
        assert abs((found == noisy).mean() - level / 2) < 5 / np.sqrt(PIXELS)
    assert set(np.unique(found)) <= {np.float32(0), np.float32(0.3), np.float32(1)}


@every_noise
def test_pixels_are_corrupted_independently(noise: Noise) -> None:
    found = corrupted(0.5, noise, 0.4).astype(np.float64)
    changes = found - found.mean()
    for axis in (0, 1):
        neighbours = (changes * np.roll(changes, 1, axis)).mean() / changes.var()
        assert abs(neighbours) < 5 / np.sqrt(PIXELS)


@every_noise
def test_noise_is_reproducible_with_a_seed(noise: Noise) -> None:
    first = corrupted(0.5, noise, 0.4, seed=1)
    np.testing.assert_array_equal(first, corrupted(0.5, noise, 0.4, seed=1))
    assert (first != corrupted(0.5, noise, 0.4, seed=2)).any()


@every_noise
def test_the_layer_is_off_at_inference(noise: Noise) -> None:
    x = np.random.default_rng(0).random((5, 4, 4, 1), dtype=np.float32)
    layer = Corruption(noise, 0.5, seed=3)
    before = np.array(layer.seed_generator.state)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    np.testing.assert_array_equal(layer.seed_generator.state, before)


@every_noise
def test_each_call_in_training_has_new_noise(noise: Noise) -> None:
    x = np.full((5, 8, 8, 1), 0.5, np.float32)
    layer = Corruption(noise, 0.5, seed=3)
    first, second = (keras.ops.convert_to_numpy(layer(x, training=True)) for _ in range(2))
    assert first.shape == x.shape and first.dtype == x.dtype
    assert (first != x).any() and (first != second).any()
    np.testing.assert_array_equal(first, Corruption(noise, 0.5, seed=3)(x, training=True))


@every_noise
def test_layer_can_be_rebuilt_from_config(noise: Noise) -> None:
    layer = Corruption(noise, 0.25, seed=3, name="corruption")
    assert {key: layer.get_config()[key] for key in ("noise", "level", "seed")} == {
        "noise": noise,
        "level": 0.25,
        "seed": 3,
    }
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(again, Corruption) and again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("noise", "level", "message"),
    [
        ("snow", 0.4, "Received: snow"),
        ("masking", 1.1, "Received: 1.1"),
        ("gaussian", -0.1, "Received: -0.1"),
        ("gaussian", float("nan"), "Received: nan"),
    ],
)
def test_invalid_arguments_are_rejected(noise: Noise, level: float, message: str) -> None:
    with pytest.raises(BadHyperparameter, match=f"^Expected .*{message}"):
        Corruption(noise, level)
