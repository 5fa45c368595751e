"""Compares the figures of autoencoders with scikit-image, Keras and PCA."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.models.layers.corruption import Corruption
from keras_gallery.training.data import chunks
from keras_gallery.training.data.dataset import Dataset, load
from keras_gallery.training.figures.colour import MeanColours
from keras_gallery.training.figures.evaluate import add_noise, bce, code_size, evaluate, loss_of, mse, pairs, psnr
from keras_gallery.training.figures.pca import Components
from keras_gallery.training.recipe import Recipe
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


def test_bce_equals_keras() -> None:
    # The rounded output is 0 or 1. Keras computes log(1 − x̂) in float32, in which 1 − 1e-7 is 1 − 1.2e-7.
    for output, tolerance in ((OUTPUT, 1e-6), (np.round(OUTPUT), 0.01)):
        expected = keras.ops.convert_to_numpy(keras.losses.binary_crossentropy(CLEAN, output)).mean()
        assert bce(CLEAN, output) == pytest.approx(expected, rel=tolerance)


def test_metrics_of_many_images_are_those_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images = RNG.random((11, 4, 4, 1), np.float32)
    mean = images.mean(axis=0)
    output = np.clip(images + RNG.normal(0, 0.1, images.shape), 0, 1).astype(np.float32)
    before = [mse(images, output), bce(images, output), psnr(images, output), mse(images, mean)]
    sizes = []
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 4 * 16 * 3)  # three images
    monkeypatch.setattr(
        np, "square", lambda x, square=np.square, **options: sizes.append(len(x)) or square(x, **options)
    )
    assert [mse(images, output), bce(images, output), psnr(images, output), mse(images, mean)] == pytest.approx(before)
    assert sizes == [3, 3, 3, 2] * 3
    assert before[3] == pytest.approx(np.var(images, axis=0).mean())


def recipe(task: str, loss: str = "binary_crossentropy", binarize: bool = False) -> Recipe:
    return Recipe(task, "digits", loss, 0.1, 1, 1, binarize=binarize)


def identity_autoencoder() -> keras.Model:
    """Returns an autoencoder with noise in training. At inference, its code and its output equal the input image."""
    image, code = keras.Input((4, 4, 1)), keras.Input((16,))
    encoder = keras.Model(image, keras.layers.Flatten()(image), name="encoder")
    decoder = keras.Model(code, keras.layers.Reshape((4, 4, 1))(code), name="decoder")
    return keras.Model(image, decoder(encoder(Corruption("gaussian", 0.3, name="corruption")(image))))


def small_dataset() -> Dataset:
    digits = load("digits")
    x = digits.x_train[:60, ::2, ::2]
    return Dataset("small", x[:40], digits.y_train[:40], x[40:], digits.y_train[40:60], "here", digits.labels)


def test_figures_of_the_identity() -> None:
    model, dataset = identity_autoencoder(), small_dataset()
    figures = evaluate(model, dataset, recipe("denoise"), Components(dataset.x_train))
    noisy = add_noise(model, dataset.x_test)
    assert figures["mse"] == 0
    assert figures["pca_mse"] < 1e-6  # as many components as pixels
    assert figures["psnr_noisy"] == pytest.approx(psnr(dataset.x_test, noisy))
    assert figures["psnr_denoised"] == figures["psnr_noisy"]
    assert figures["psnr_lift"] == 0
    assert figures["noisy_mse"] == figures["denoise_mse"] == pytest.approx(mse(dataset.x_test, noisy))
    assert figures["pca_denoise_mse"] == pytest.approx(figures["denoise_mse"], rel=1e-4)
    assert figures["squared_error"] == 0
    plain = evaluate(model, dataset, recipe("reconstruct"), Components(dataset.x_train))
    assert set(plain) == {"mse", "squared_error", "pca_mse", "mean_mse", "psnr", "bce"}
    mean = dataset.x_train.mean(axis=0, keepdims=True).repeat(len(dataset.x_test), axis=0)
    assert plain["mean_mse"] == pytest.approx(mean_squared_error(dataset.x_test, mean), rel=1e-5)
    assert code_size(model) == 16


def test_errors_of_pca_equal_those_of_numpy() -> None:
    """The oracle is the singular value decomposition of the training images."""
    dataset = small_dataset()
    flat, test = (images.reshape(len(images), -1) for images in (dataset.x_train, dataset.x_test))
    mean = flat.mean(axis=0)
    axes = np.linalg.svd(flat - mean)[2][:3]
    plain = create("linear_autoencoder", image_shape=(4, 4, 1), code_dim=3)
    image = keras.Input((4, 4, 1))
    noisy = Corruption("gaussian", 0.3, name="corruption")(image)
    model = keras.Model(image, plain.get_layer("decoder")(plain.get_layer("encoder")(noisy)))
    figures = evaluate(model, dataset, recipe("denoise"), Components(dataset.x_train))
    for name, images in (("pca_mse", test), ("pca_denoise_mse", add_noise(model, dataset.x_test).reshape(20, -1))):
        rebuilt = (images - mean) @ axes.T @ axes + mean
        assert figures[name] == pytest.approx(np.mean((rebuilt - test) ** 2), rel=1e-4), name


def test_figures_of_colorization() -> None:
    photographs = load("photographs")
    dataset = replace(photographs, x_train=photographs.x_train[::50], x_test=photographs.x_test[::50])
    model = create("colorization_autoencoder", filters=(2,))
    model.get_layer("decoder").set_weights([np.zeros_like(w) for w in model.get_layer("decoder").get_weights()])
    figures = evaluate(model, dataset, recipe("colorize"), None, MeanColours(dataset.x_train))
    # The model adds nothing to the grey image.
    assert figures["mse"] == pytest.approx(figures["grey_mse"], rel=1e-5)
    assert 0 < figures["mean_colour_mse"] < figures["grey_mse"]


def test_inputs_and_targets_of_each_task() -> None:
    model, images = identity_autoencoder(), RNG.random((3, 4, 4, 1), np.float32)
    inputs, targets = pairs(model, recipe("denoise"), images)
    assert targets is images and (inputs != images).any()
    grey = np.full((3, 40, 40, 1), 0.3, np.float32)
    inputs, targets = pairs(model, recipe("generate", binarize=True), grey)
    assert inputs is targets and set(np.unique(targets)) == {0, 1}
    np.testing.assert_allclose(targets.mean(), 0.3, atol=0.03)  # four standard errors
    inputs, targets = pairs(model, recipe("colorize"), RNG.random((3, 4, 4, 3), np.float32))
    assert inputs.shape == (3, 4, 4, 1) and targets.shape == (3, 4, 4, 3)


def test_loss_of_an_image_is_a_sum_over_its_values() -> None:
    squared = loss_of(recipe("reconstruct", loss="squared_error"), CLEAN, OUTPUT)
    assert squared == pytest.approx(((OUTPUT - CLEAN) ** 2).sum(axis=(1, 2, 3)).mean(), rel=1e-5)


def test_noise_of_the_model_is_reproducible() -> None:
    model, images = identity_autoencoder(), np.full((200, 4, 4, 1), 0.5, np.float32)
    noisy = add_noise(model, images)
    np.testing.assert_array_equal(noisy, add_noise(model, images))
    assert noisy.dtype == np.float32
    assert 0.25 < noisy.std() < 0.3  # σ = 0.3, reduced by clipping
