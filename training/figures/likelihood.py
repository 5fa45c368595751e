"""Computes the likelihood of images under a variational autoencoder: a lower bound, and an estimate by sampling.

    log p(x) ≥ E_q [log p(x|z) + log p(z) − log q(z|x)]
    log p(x) ≈ log 1/K Σ_k p(x|z_k) p(z_k) / q(z_k|x),   z_k ~ q(z|x)

Source: Kingma and Welling 2013, "Auto-Encoding Variational Bayes"; Burda, Grosse and Salakhutdinov 2015,
"Importance Weighted Autoencoders" (with K = 5,000).
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...models.layers.gaussian_kl import gaussian_kl
from ..data.chunks import PREDICTED, chunk_size, chunks, predict

Images = NDArray[np.float32]

CODES_AT_ONCE = 5_000
LEAST_PROBABILITY = 1e-7


def importance_log_likelihood(
    model: keras.Model, images: Images, samples: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """Estimates log p(x) of binary images in nats.

    Args:
        model: a `variational_autoencoder`.
        images: `(n, height, width, channels)`, each value 0 or 1.
        samples: K, the number of samples for each image. The expected value of the estimate is a lower bound. A larger
            K makes the bound tighter.
        seed: seed of the sampled codes.
        progress: called after each image with the number of finished images.

    Returns:
        An estimate for each image, `(n,)`.
    """
    mean, log_variance = _posterior(model, images)
    log_weights = _compiled(_log_weights_of(model))
    rng = np.random.default_rng(seed)
    estimates = []
    for done, (x, mu, log_var) in enumerate(zip(images, mean, log_variance, strict=True), 1):
        weights = []
        for first in range(0, samples, CODES_AT_ONCE):
            noise = rng.standard_normal((min(CODES_AT_ONCE, samples - first), len(mu)), np.float32)
            weights.append(ops.convert_to_numpy(log_weights(x, mu, log_var, noise)).astype(np.float64))
        estimates.append(_log_mean_exp(np.concatenate(weights)))
        if progress:
            progress(done)
    return np.array(estimates)


def lower_bound(model: keras.Model, images: Images, seed: int = 0) -> NDArray[np.float64]:
    """Returns the evidence lower bound of each image in nats, with one sample of q(z|x): `(n,)`."""
    mean, log_variance = _posterior(model, images)
    noise = np.random.default_rng(seed).standard_normal(mean.shape, np.float32)
    z = mean + np.exp(0.5 * log_variance) * noise
    outputs = predict(model.get_layer("decoder"), z)
    log_p = np.concatenate([_log_probability(images[some], outputs[some]) for some in chunks(images)])
    return np.asarray(log_p - ops.convert_to_numpy(gaussian_kl(mean, log_variance)))


def _log_probability(images: Images, outputs: Images) -> NDArray[np.float64]:
    """Returns log p(x|z) of each image, `(n,)`."""
    p = np.clip(outputs, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.sum(images * np.log(p) + (1 - images) * np.log1p(-p), axis=(1, 2, 3), dtype=np.float64))


def _posterior(model: keras.Model, images: Images) -> tuple[Images, Images]:
    """Returns μ and log σ² of q(z|x), each `(n, code_dim)`."""
    encoder = model.get_layer("encoder")
    both = [encoder.get_layer(name).output for name in ("mean", "log_variance")]
    size = chunk_size(images.shape[1:], PREDICTED)
    mean, log_variance = keras.Model(encoder.input, both).predict(images, batch_size=size, verbose=0)
    return mean, log_variance


def _log_weights_of(model: keras.Model) -> Callable[[Any, Any, Any, Any], Any]:
    """Returns a function that computes log p(x|z) + log p(z) − log q(z|x) for one image x and k codes z.

    Its arguments are x, the mean and log variance of q(z|x), and the noise ε of each code, `(k, code_dim)`. It returns
    `(k,)`.
    """
    decoder = model.get_layer("decoder")

    def log_weights(x: Any, mean: Any, log_variance: Any, noise: Any) -> Any:
        z = mean + ops.exp(0.5 * log_variance) * noise
        p = ops.clip(decoder(z, training=False), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        log_p_x = ops.sum(ops.log(ops.where(x > 0.5, p, 1 - p)), axis=(1, 2, 3))
        # The constants −½ log 2π of p(z) and of q(z|x) cancel.
        log_p_z = -0.5 * ops.sum(ops.square(z), axis=1)
        log_q_z = -0.5 * ops.sum(ops.square(noise) + log_variance, axis=1)
        return log_p_x + log_p_z - log_q_z

    return log_weights


def _compiled(function: Callable[..., Any]) -> Any:
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)  # without XLA, whose convolutions are slow on a CPU
    return function


def _log_mean_exp(values: NDArray[np.float64]) -> float:
    largest = values.max()
    return float(largest + math.log(np.mean(np.exp(values - largest))))
