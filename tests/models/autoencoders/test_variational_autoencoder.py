"""Compares `variational_autoencoder` with formulas, its KL term with a simulation, and its ELBO with an integral."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras_gallery.models import create
from keras_gallery.models.losses import BinaryCrossentropy
from scipy.integrate import trapezoid
from scipy.stats import norm

from ..gradients import gradient
from ..layer_checks import penalty, randomise, to_numpy

IMAGES = (np.random.default_rng(0).random((4, 3, 2, 1)) > 0.5).astype(np.float32)


def variational(**options: Any) -> keras.Model:
    small_options = {"image_shape": (3, 2, 1), "hidden": (5,), "filters": (4, 3), "code_dim": 2}
    return create("variational_autoencoder", **{**small_options, **options})


def distribution(encoder: keras.Model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns μ and log σ² of q(z|x)."""
    outputs = [encoder.get_layer(name).output for name in ("mean", "log_variance")]
    mean, log_variance = keras.Model(encoder.input, outputs)(x)
    return to_numpy(mean).astype(np.float64), to_numpy(log_variance).astype(np.float64)


def test_kl_term_equals_simulation() -> None:
    """The simulation estimates E_q [log q(z|x) − log p(z)] with 200,000 samples. The tolerance is 5 standard errors."""
    model = variational()
    randomise(model)
    mean, log_variance = distribution(model.get_layer("encoder"), IMAGES)
    sigma = np.exp(log_variance / 2)
    n = 200_000
    z = mean + sigma * np.random.default_rng(1).standard_normal((n, *mean.shape))  # (n, batch, units)
    logs = (norm.logpdf(z, mean, sigma) - norm.logpdf(z)).sum(axis=-1).mean(axis=-1)  # (n,), averaged over the batch
    found = float(penalty(model, IMAGES))
    assert abs(found - logs.mean()) < 5 * logs.std() / np.sqrt(n)
    assert found > 20 * logs.std() / np.sqrt(n)  # otherwise this test could not fail


def test_kl_weight_scales_the_kl_term() -> None:
    once, thrice = variational(), variational(kl_weight=3.0)
    randomise(once)
    randomise(thrice)
    np.testing.assert_allclose(float(penalty(thrice, IMAGES)), 3 * float(penalty(once, IMAGES)), rtol=1e-5)


def test_loss_exceeds_negative_log_likelihood_by_kl_to_posterior() -> None:
    """−ELBO = −log p(x) + KL(q(z|x)‖p(z|x)). The integrals are computed numerically for a code with one dimension."""
    model = variational(code_dim=1)
    model.set_weights([1.5 * weight for weight in randomise(model)])
    x = IMAGES[3:]
    mean, log_variance = distribution(model.get_layer("encoder"), x)
    z = np.linspace(-12, 12, 4001)
    p_x = np.clip(to_numpy(model.get_layer("decoder")(z[:, None].astype(np.float32))), 1e-7, 1 - 1e-7)
    log_likelihoods = -np.array([float(BinaryCrossentropy()(x, each[None])) for each in p_x[::100]])
    by_hand = (x * np.log(p_x) + (1 - x) * np.log(1 - p_x)).sum(axis=(1, 2, 3))  # log p(x|z)
    np.testing.assert_allclose(by_hand[::100], log_likelihoods, rtol=1e-4)
    q = norm.pdf(z, mean[0, 0], np.exp(log_variance[0, 0] / 2))
    likelihood = trapezoid(np.exp(by_hand) * norm.pdf(z), z)  # p(x)
    posterior = np.exp(by_hand) * norm.pdf(z) / likelihood  # p(z|x)
    bound = trapezoid(q * by_hand, z) - float(penalty(model, x))
    divergence = trapezoid(q * np.log(np.maximum(q, 1e-300) / posterior), z)
    assert divergence > 0.1 and float(penalty(model, x)) > 0.1  # otherwise this test could not fail
    np.testing.assert_allclose(np.log(likelihood) - bound, divergence, rtol=1e-3)


@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_code_at_inference_is_the_mean(network: str) -> None:
    model = variational(network=network)
    randomise(model)
    encoder = model.get_layer("encoder")
    before = [to_numpy(each).copy() for each in model.non_trainable_variables]
    assert before  # the state of the random number generator
    mean, _ = distribution(model.get_layer("encoder"), IMAGES)
    for call in (encoder, encoder, lambda x: encoder(x, training=False)):
        np.testing.assert_allclose(to_numpy(call(IMAGES)), mean, rtol=1e-6)
    np.testing.assert_array_equal(to_numpy(model(IMAGES)), to_numpy(model(IMAGES)))
    for state, now in zip(before, model.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(to_numpy(now), state)


def test_code_in_training_is_random() -> None:
    model = variational()
    randomise(model)
    encoder = model.get_layer("encoder")
    first, second = (to_numpy(encoder(IMAGES, training=True)) for _ in range(2))
    assert (first != second).all() and (first != to_numpy(encoder(IMAGES))).all()


def test_gradient_passes_through_sampling() -> None:
    """z = μ + σ ε, so ∂z/∂μ = 1 and ∂z/∂log σ² = ½ σ ε.

    The test differentiates with respect to the biases of the layers that compute μ and log σ².
    """
    encoder = variational().get_layer("encoder")
    weights = randomise(encoder)

    def sample(index: int, bias: Any) -> Any:
        """Returns a code with another bias. Each call starts from the same state, so the noise is the same."""
        changed = [bias if index == each else ops.convert_to_tensor(weights[each]) for each in range(len(weights))]
        state = encoder.non_trainable_variables
        return encoder.stateless_call(changed, state, ops.convert_to_tensor(IMAGES), training=True)[0]

    paths = [weight.path for weight in encoder.trainable_weights]
    by_mean, by_log_variance = (
        next(index for index, path in enumerate(paths) if path.endswith(f"{name}/bias"))
        for name in ("mean", "log_variance")
    )
    mean, log_variance = distribution(encoder, IMAGES)
    noise = (to_numpy(sample(by_mean, weights[by_mean])) - mean) / np.exp(log_variance / 2)
    found = [gradient(lambda b, i=i: ops.sum(sample(i, b)), weights[i]) for i in (by_mean, by_log_variance)]
    np.testing.assert_allclose(found[0], np.full(2, len(IMAGES)), rtol=1e-6)
    expected = (0.5 * np.exp(log_variance / 2) * noise).sum(axis=0)
    np.testing.assert_allclose(found[1], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("network", ["dense", "convolutional"])
@pytest.mark.parametrize("shape", [(3, 2, 1), (9, 7, 3), (1, 5, 1)])
def test_reconstructions_and_samples_have_the_shape_of_the_images(network: str, shape: tuple[int, ...]) -> None:
    model = variational(network=network, image_shape=shape)
    x = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    z = np.random.default_rng(1).normal(size=(2, 2)).astype(np.float32)
    for found in (to_numpy(model(x)), to_numpy(model.get_layer("decoder")(z))):
        assert found.shape == x.shape and found.min() >= 0 and found.max() <= 1


def test_dense_output_equals_formula() -> None:
    model = variational(activation="relu")
    w, b, w_mean, b_mean, _, _, v, c, v_out, c_out = randomise(model)
    x = IMAGES.reshape(4, 6)
    mean = np.maximum(x @ w + b, 0) @ w_mean + b_mean
    x_hat = 1 / (1 + np.exp(-np.maximum(mean @ v + c, 0) @ v_out - c_out))
    np.testing.assert_allclose(to_numpy(model(IMAGES)).reshape(4, 6), x_hat, rtol=1e-4)
