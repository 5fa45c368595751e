"""Tests of the figures that take long to compute, with models whose figures are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.models.layers.corruption import Corruption
from keras_gallery.training import Recipe
from keras_gallery.training.data.dataset import Dataset, load
from keras_gallery.training.figures import slow
from keras_gallery.training.figures.pca import Components
from keras_gallery.training.figures.slow import measure, ssim

RECIPE = Recipe("denoise", "digits", "squared_error", 0.1, 1, 1)


def principal_components(data: Dataset, code_dim: int) -> keras.Model:
    """Returns a linear autoencoder with the weights of PCA. Its corruption layer adds the noise to be removed."""
    pca = Components(data.x_train)
    plain = create("linear_autoencoder", image_shape=data.shape, code_dim=code_dim)
    axes = pca.axes[:code_dim]
    plain.set_weights([axes.T, -axes @ pca.mean, axes, pca.mean])
    image = keras.Input(data.shape)
    x = Corruption("gaussian", 0.3, name="corruption")(image)
    return keras.Model(image, plain.get_layer("decoder")(plain.get_layer("encoder")(x)))


@pytest.fixture(scope="module")
def figures() -> dict:
    data = load("digits")
    return measure(principal_components(data, 10), data, RECIPE, Components(data.x_train), report=lambda line: None)


def test_pca_as_a_model_has_the_figures_of_pca(figures: dict) -> None:
    for name in ("probe", "knn", "shift"):
        assert figures[name] == pytest.approx(figures[f"pca_{name}"], rel=0.02)
    assert figures["knn"] > 0.9
    assert figures["angle"] < 0.1
    assert figures["copied_noise_mse"] > 0.05  # ten components cannot represent noise
    assert "auroc" not in figures  # `measure` has no dataset to compare digits with


def test_noise_is_measured_for_each_method(figures: dict) -> None:
    for noise in ("gaussian", "masking"):
        sweep = figures["sweep"][noise]
        for measure_, methods in sweep.items():
            assert set(methods) == {"identity", "median filter", "PCA", "this model"}
            assert all(len(values) == 7 for values in methods.values())
            assert methods["identity"][0] > methods["identity"][-1], measure_
            # The images of PCA are clipped to [0, 1]. The images of the model are not clipped.
            np.testing.assert_allclose(methods["PCA"], methods["this model"], rtol=0.2)


def test_angle_of_another_subspace() -> None:
    data = load("digits")
    model = principal_components(data, 10)
    weights = model.get_weights()
    pca = Components(data.x_train)
    weights[2][0] = np.cos(np.pi / 6) * pca.axes[0] + np.sin(np.pi / 6) * pca.axes[30]  # turned by 30°
    model.set_weights(weights)
    plain = Recipe("reconstruct", "digits", "squared_error", 0.1, 1, 1)
    figures = measure(model, data, plain, pca, report=lambda line: None)
    assert figures["angle"] == pytest.approx(30, abs=0.5)
    assert "sweep" not in figures


def test_ssim_is_1_only_for_equal_images() -> None:
    images = np.random.default_rng(0).random((2, 9, 9, 1), np.float32)
    assert ssim(images, images) == pytest.approx(1)
    assert ssim(images, 1 - images) < 0.2


def test_likelihood_is_that_of_binary_images_drawn_from_the_grey_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pixel is white with the probability of its grey value. With a threshold, a sixth of the pixels would be."""
    seen: list[tuple[np.ndarray, int]] = []

    def likelihood(model: keras.Model, images: np.ndarray, samples: int, **_: object) -> np.ndarray:
        seen.append((images, samples))
        return np.array([-3.0, -5.0])

    monkeypatch.setattr(slow, "importance_log_likelihood", likelihood)
    grey = np.random.default_rng(0).uniform(0, 0.6, (40, 8, 8, 1)).astype(np.float32)
    labels = np.arange(40) % 2
    model = create("variational_autoencoder", image_shape=(8, 8, 1), hidden=(4,), code_dim=2)
    recipe = Recipe("generate", "grey", "binary_crossentropy", 0.1, 1, 1, binarize=True)
    data = Dataset("grey", grey, labels, grey, labels, "")
    figures = measure(model, data, recipe, Components(grey), report=lambda line: None)
    ((images, samples),) = seen
    assert set(np.unique(images)) == {0, 1} and samples == 5_000
    np.testing.assert_allclose(images.mean(), 0.3, atol=0.04)  # four standard errors
    for low, high in ((0, 0.3), (0.3, 0.6)):
        some = (grey > low) & (grey < high)
        np.testing.assert_allclose(images[some].mean(), grey[some].mean(), atol=0.06)
    assert (figures["nll"], figures["nll_standard_error"]) == (4, pytest.approx(1 / np.sqrt(2)))
