"""Compares the penalties of `sparse_autoencoder` with formulas, and their gradients with automatic differentiation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.models.layers.kl_sparsity import KLSparsity
from keras_gallery.models.layers.l1_sparsity import L1Sparsity
from scipy.stats import entropy

from ..gradients import gradient
from ..layer_checks import penalty, randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.random((5, 6), dtype=np.float32)
IMAGES = X.reshape(5, 3, 2, 1)
TRAINING_CODES = RANDOM.random((40, 4), dtype=np.float32)  # the codes of a training set
RHO, BETA = 0.05, 3.0


def sparse(**options: Any) -> keras.Model:
    return create("sparse_autoencoder", image_shape=(3, 2, 1), code_dim=4, rho=RHO, weight=BETA, **options)


def gradient_by_biases(encoder: keras.Model, kernel: np.ndarray, b: np.ndarray) -> np.ndarray:
    return gradient(lambda each: penalty(encoder, IMAGES, [ops.convert_to_tensor(kernel), each]), b)


@pytest.mark.parametrize("estimate", ["batch", "full_pass"])
@pytest.mark.parametrize("g", ["sigmoid", "tanh"])
def test_the_kl_penalty_and_its_gradient(g: str, estimate: str) -> None:
    """The gradient is Σ_i β (−ρ/ρ̂_j + (1 − ρ)/(1 − ρ̂_j)) / m · ∂h_ij/∂b_j. For tanh, h is replaced with (h + 1) / 2.

    ρ̂ is the mean activation of the batch, or of the last pass over the training set.
    """
    encoder = sparse(code_activation=g, estimate=estimate).get_layer("encoder")
    kernel, b = randomise(encoder)[:2]
    a = X @ kernel + b
    if g == "sigmoid":
        active = 1 / (1 + np.exp(-a))
        slopes = active * (1 - active)
    else:  # an inactive unit is −1
        active = (np.tanh(a) + 1) / 2
        slopes = (1 - np.tanh(a) ** 2) / 2
    rho_hat = active.mean(axis=0)
    if estimate == "full_pass":
        encoder.get_layer("sparsity").set_mean_activation(TRAINING_CODES * 2 - 1 if g == "tanh" else TRAINING_CODES)
        rho_hat = TRAINING_CODES.mean(axis=0)
    value = BETA * sum(entropy([RHO, 1 - RHO], [each, 1 - each]) for each in rho_hat)
    np.testing.assert_allclose(float(penalty(encoder, IMAGES)), value, rtol=1e-4)
    term = BETA * (-RHO / rho_hat + (1 - RHO) / (1 - rho_hat)) / len(X)
    np.testing.assert_allclose(gradient_by_biases(encoder, kernel, b), (term * slopes).sum(axis=0), rtol=1e-3)


@pytest.mark.parametrize(("g", "low"), [("relu", 0), ("sigmoid", 0), ("tanh", -1)])
def test_the_l1_penalty_and_its_gradient(g: str, low: int) -> None:
    """The gradient is λ sign(h − low) ∂h/∂b. It does not depend on the size of h, and is 0 for an inactive ReLU."""
    encoder = sparse(penalty="l1", code_activation=g).get_layer("encoder")
    kernel, b = randomise(encoder)
    a = X @ kernel + b
    h, slopes = {
        "relu": (np.maximum(a, 0), (a > 0).astype(np.float32)),
        "sigmoid": (1 / (1 + np.exp(-a)), np.exp(-a) / (1 + np.exp(-a)) ** 2),
        "tanh": (np.tanh(a), 1 - np.tanh(a) ** 2),
    }[g]
    np.testing.assert_allclose(float(penalty(encoder, IMAGES)), BETA * np.abs(h - low).sum(axis=1).mean(), rtol=1e-4)
    expected = BETA * (np.sign(h - low) * slopes).mean(axis=0)
    np.testing.assert_allclose(gradient_by_biases(encoder, kernel, b), expected, rtol=1e-4, atol=1e-6)


def test_output_equals_formula() -> None:
    """The formulas are h = g(Wx + b) and x̂ = f(W*h + c). The penalty does not change the output."""
    model = sparse(code_activation="tanh", output_activation="linear")
    w, b, w_star, c = randomise(model)
    h = np.tanh(X @ w + b)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGES)), h, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(X.shape), h @ w_star + c, rtol=1e-4, atol=1e-5)


def test_each_penalty_adds_its_layer_after_the_code() -> None:
    kl = sparse(estimate="full_pass").get_layer("encoder").layers[-1]
    assert isinstance(kl, KLSparsity)
    assert (kl.rho, kl.weight, kl.low, kl.estimate) == (RHO, BETA, 0, "full_pass")
    l1 = sparse(penalty="l1", code_activation="tanh").get_layer("encoder").layers[-1]
    assert isinstance(l1, L1Sparsity) and (l1.weight, l1.low) == (BETA, -1)


def test_training_brings_the_mean_activation_to_rho() -> None:
    keras.utils.set_random_seed(0)
    model = sparse()
    model.compile(keras.optimizers.Adam(0.05), "mean_squared_error", jit_compile=keras.backend.backend() == "jax")
    for _ in range(150):
        model.train_on_batch(IMAGES, IMAGES)
    active = to_numpy(model.get_layer("encoder")(IMAGES)).mean(axis=0)
    np.testing.assert_allclose(active, np.full(4, RHO), rtol=0.2)


def test_the_code_may_be_larger_than_the_image() -> None:
    assert create("sparse_autoencoder", image_shape=(2, 2, 1), code_dim=9).get_layer("encoder").output_shape == (
        None,
        9,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"code_activation": "relu"},
            "Expected code_activation to be sigmoid or tanh for the penalty kl. Received: relu",
        ),
        ({"rho": 0.0}, "Expected rho to be between 0 and 1. Received: 0.0"),
        ({"rho": 1.0}, "Expected rho to be between 0 and 1. Received: 1.0"),
    ],
)
def test_invalid_arguments_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadHyperparameter, match=message):
        create("sparse_autoencoder", image_shape=(3, 2, 1), **options)
