"""Compares the gradients of `tied_autoencoder` in lecture notes 001, question 1, with automatic differentiation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import BadHyperparameter, create

from ..gradients import gradient
from ..layer_checks import randomise, to_numpy

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(1, 6)).astype(np.float32)  # one example
IMAGE = X.reshape(1, 3, 2, 1)

# The activation f, and its derivative as a function of f(a).
FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda f: f * (1 - f)),
    "tanh": (np.tanh, lambda f: 1 - f**2),
    "linear": (lambda a: a, np.ones_like),
}


def tied(**options: Any) -> keras.Model:
    return create("tied_autoencoder", image_shape=(3, 2, 1), code_dim=4, **options)


def half_squared_error(model: keras.Model, kernel: Any) -> Any:
    """Returns ½‖f(Wᵀf(Wx)) − x‖² for the kernel Wᵀ."""
    x_hat, _ = model.stateless_call([kernel], model.non_trainable_variables, ops.convert_to_tensor(IMAGE))
    return 0.5 * ops.sum(ops.square(x_hat - IMAGE))


def test_gradient_of_the_linear_model() -> None:
    """The formula is ∂L/∂W = W x (WᵀWx − x)ᵀ + W (WᵀWx − x) xᵀ."""
    model = tied()
    (kernel,) = randomise(model)
    w, x = kernel.T, X.T  # (4, 6), (6, 1)
    difference = w.T @ w @ x - x
    expected = w @ x @ difference.T + w @ difference @ x.T
    np.testing.assert_allclose(float(half_squared_error(model, kernel)), 0.5 * (difference**2).sum(), rtol=1e-5)
    found = gradient(lambda each: half_squared_error(model, each), kernel)
    np.testing.assert_allclose(found.T, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_the_sum_of_both_paths(name: str) -> None:
    """Let h = f(Wx), x̂ = f(Wᵀh) and δ = (x̂ − x) f'(Wᵀh).

    The path through the decoder contributes h δᵀ, and the path through the encoder (Wδ f'(Wx)) xᵀ.
    """
    f, slope = FUNCTIONS[name]
    model = tied(activation=name)
    (kernel,) = randomise(model)
    w, x = kernel.T, X.T
    h = f(w @ x)
    x_hat = f(w.T @ h)
    delta = (x_hat - x) * slope(x_hat)
    decoder_path, encoder_path = h @ delta.T, ((w @ delta) * slope(h)) @ x.T
    found = gradient(lambda each: half_squared_error(model, each), kernel).T
    np.testing.assert_allclose(found, decoder_path + encoder_path, rtol=1e-4, atol=1e-5)
    for path in (decoder_path, encoder_path):  # neither path alone is the gradient
        assert np.abs(found - path).max() > 0.01


@pytest.mark.parametrize("name", FUNCTIONS)
def test_output_equals_formula(name: str) -> None:
    f, _ = FUNCTIONS[name]
    model = tied(activation=name, use_bias=True)
    kernel, b, c = randomise(model)
    h = f(X @ kernel + b)
    np.testing.assert_allclose(to_numpy(model.get_layer("encoder")(IMAGE)), h, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(to_numpy(model(IMAGE)).reshape(X.shape), f(h @ kernel.T + c), rtol=1e-4, atol=1e-6)


def is_tied(model: keras.Model) -> bool:
    """Returns whether the model has a single kernel W and decoder(encoder(x)) is x W Wᵀ."""
    (kernel,) = (np.array(each) for each in model.get_weights())
    rebuilt = to_numpy(model.get_layer("decoder")(model.get_layer("encoder")(IMAGE))).reshape(X.shape)
    return np.allclose(rebuilt, X @ kernel @ kernel.T, rtol=1e-4, atol=1e-5)


def test_kernel_is_shared_after_training_and_loading(tmp_path: Path) -> None:
    model = tied()
    assert [tuple(each.shape) for each in model.weights] == [(6, 4)] and is_tied(model)
    for _ in range(2):  # the second pass trains and saves the loaded model
        before = np.array(model.get_weights()[0])
        model.compile(keras.optimizers.SGD(0.1), "mean_squared_error", run_eagerly=True)
        model.train_on_batch(IMAGE, IMAGE)
        assert (np.array(model.get_weights()[0]) != before).any() and is_tied(model)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
        assert is_tied(loaded)
        model = loaded


def test_a_code_as_large_as_the_image_is_rejected() -> None:
    with pytest.raises(BadHyperparameter, match="^Expected code_dim to be less than 4. Received: 4.$"):
        create("tied_autoencoder", image_shape=(2, 2, 1), code_dim=4)
