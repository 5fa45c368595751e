"""The figures against scikit-image, Keras, and PCA by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models.layers.corruption import Corruption
from keras_gallery.training.data import Dataset, load
from keras_gallery.training.evaluate import add_noise, bce, evaluate, mse, pca_reconstruct, psnr
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

RNG = np.random.default_rng(0)
CLEAN = RNG.random((5, 7, 6, 2), np.float32)
OUTPUT = RNG.random((5, 7, 6, 2), np.float32)


def test_mse_and_psnr_equal_scikit_image() -> None:
    assert mse(CLEAN, OUTPUT) == pytest.approx(mean_squared_error(CLEAN, OUTPUT))
    expected = [peak_signal_noise_ratio(x, y, data_range=1.0) for x, y in zip(CLEAN, OUTPUT, strict=True)]
    assert psnr(CLEAN, OUTPUT) == pytest.approx(np.mean(expected))


def test_psnr_of_a_perfect_image_is_finite() -> None:
    assert psnr(CLEAN, CLEAN) == 100


def test_bce_equals_keras_also_where_the_output_is_0_or_1() -> None:
    # Keras takes log(1 − x̂) in float32, where 1 − 1e-7 is 1 − 1.2e-7.
    for output, tolerance in ((OUTPUT, 1e-6), (np.round(OUTPUT), 0.01)):
        expected = keras.ops.convert_to_numpy(keras.losses.binary_crossentropy(CLEAN, output)).mean()
        assert bce(CLEAN, output) == pytest.approx(expected, rel=tolerance)


def test_pca_equals_the_singular_value_decomposition() -> None:
    train = RNG.random((40, 4, 3, 1), np.float32)
    test = RNG.random((5, 4, 3, 1), np.float32)
    flat = train.reshape(40, -1)
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean)[2][:3]  # (3 components, 12 pixels)
    expected = mean + (test.reshape(5, -1) - mean) @ axes.T @ axes
    np.testing.assert_allclose(pca_reconstruct(train, test, 3), expected.reshape(test.shape), atol=1e-5)


def identity_autoencoder() -> keras.Model:
    """Its code is the image itself: what comes in goes out."""
    image, code = keras.Input((4, 4, 1)), keras.Input((16,))
    encoder = keras.Model(image, keras.layers.Flatten()(image), name="encoder")
    decoder = keras.Model(code, keras.layers.Reshape((4, 4, 1))(code), name="decoder")
    return keras.Model(image, decoder(encoder(Corruption("gaussian", 0.3, name="corruption")(image))))


def small_dataset() -> Dataset:
    digits = load("digits")
    x = digits.x_train[:60, ::2, ::2]
    return Dataset("small", x[:40], digits.y_train[:40], x[40:], digits.y_train[40:60], "here")


def test_identity_gains_nothing() -> None:
    model, dataset = identity_autoencoder(), small_dataset()
    figures = evaluate(model, dataset, "denoise")
    noisy = add_noise(model, dataset.x_test)
    assert figures["mse"] == 0
    assert figures["pca_mse"] < 1e-6  # as many components as pixels
    assert figures["psnr_noisy"] == pytest.approx(psnr(dataset.x_test, noisy))
    assert figures["psnr_denoised"] == figures["psnr_noisy"]
    assert figures["psnr_lift"] == 0
    assert figures["denoise_mse"] == pytest.approx(mse(dataset.x_test, noisy))
    assert figures["pca_denoise_mse"] == pytest.approx(figures["denoise_mse"], rel=1e-4)
    assert set(evaluate(model, dataset, "reconstruct")) == {"mse", "pca_mse", "psnr", "bce"}


def test_noise_is_the_layers_and_repeats() -> None:
    model, images = identity_autoencoder(), np.full((200, 4, 4, 1), 0.5, np.float32)
    noisy = add_noise(model, images)
    np.testing.assert_array_equal(noisy, add_noise(model, images))
    assert noisy.dtype == np.float32
    assert 0.25 < noisy.std() < 0.3  # σ = 0.3, less what is clipped
