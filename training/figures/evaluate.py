"""Metrics of a trained autoencoder on test images, and of PCA with the same code size."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.layers.corruption import Corruption, Noise, corrupt
from ..data.batches import binarize
from ..data.chunks import chunks, predict
from ..data.dataset import Dataset
from ..recipe import Recipe
from .colour import MeanColours, to_grey
from .likelihood import lower_bound
from .pca import Components

Images = NDArray[np.float32]  # (n, height, width, channels), in [0, 1]

NOISE_SEED = 1
BINARY_SEED = 1
EPSILON = 1e-7
LEAST_ERROR = 1e-10  # an exact reconstruction has a PSNR of 100 dB


def mse(images: Images, reconstructed: Images) -> float:
    """Returns the mean squared error over all values of all images."""
    return _mean(lambda x, y: np.square(y - x, dtype=np.float64), images, reconstructed)


def bce(images: Images, reconstructed: Images) -> float:
    """Returns the mean of −x log x̂ − (1 − x) log(1 − x̂) over all values of all images, in nats."""

    def values(x: Images, y: Images) -> NDArray[np.float64]:
        p = np.clip(y.astype(np.float64), EPSILON, 1 - EPSILON)
        return np.asarray(-x * np.log(p) - (1 - x) * np.log1p(-p))

    return _mean(values, images, reconstructed)


def psnr(images: Images, reconstructed: Images) -> float:
    """Returns the peak signal-to-noise ratio in dB for a peak of 1, averaged over the images.

    The ratio of an image is −10 log₁₀ MSE, at most 100 dB.
    """

    def ratios(x: Images, y: Images) -> NDArray[np.float64]:
        errors = np.mean(np.square(y - x, dtype=np.float64), axis=(1, 2, 3))
        return np.asarray(-10 * np.log10(np.maximum(errors, LEAST_ERROR)))

    return _mean(ratios, images, reconstructed)


def _mean(function: Callable[[Images, Images], NDArray[np.float64]], images: Images, others: Images) -> float:
    """Returns the mean of the values that a function computes from two arrays of images.

    The function is called with some of the images at a time, because its values are larger than the images.
    """
    others = np.broadcast_to(others, images.shape)
    total, count = 0.0, 0
    for some in chunks(images):
        values = function(images[some], others[some])
        total, count = total + float(values.sum()), count + values.size
    return total / count


def code_size(model: keras.Model) -> int:
    """Returns the number of values in a code."""
    return math.prod(model.get_layer("encoder").output_shape[1:])


def reconstruct(model: keras.Model, images: Images) -> Images:
    """Returns the output of the model for `images`."""
    return predict(model, images)


def corruption_of(model: keras.Model) -> Corruption | None:
    """Returns the layer that adds noise to the images in training, if there is one."""
    return next((layer for layer in model._flatten_layers() if isinstance(layer, Corruption)), None)


def add_noise(model: keras.Model, images: Images) -> Images:
    """Adds the noise of the model's layer `Corruption` to `images`. The noise is the same at each call."""
    layer = corruption_of(model)
    assert layer is not None
    return under_noise(images, layer.noise, layer.level)


def under_noise(images: Images, noise: Noise, level: float) -> Images:
    """Adds noise to `images`. The noise is the same at each call.

    Args:
        images: the images, in [0, 1].
        noise: the noise distribution, see `models/layers/corruption.py`.
        level: the noise level, see `models/layers/corruption.py`.
    """
    return np.asarray(keras.ops.convert_to_numpy(corrupt(images, noise, level, NOISE_SEED)))


def pairs(model: keras.Model, recipe: Recipe, images: Images) -> tuple[Images, Images]:
    """Returns the inputs and the targets that the recipe's task makes from `images`, for validation and evaluation."""
    if recipe.binarize:
        images = binarize(images, np.random.default_rng(BINARY_SEED))
    if recipe.task == "denoise":
        return add_noise(model, images), images
    if recipe.task == "colorize":
        return to_grey(images), images
    return images, images


def evaluate(
    model: keras.Model, data: Dataset, recipe: Recipe, pca: Components | None, colours: MeanColours | None = None
) -> dict[str, float]:
    """Returns the metrics of a trained autoencoder on the test images. This takes seconds.

    Args:
        model: the trained model.
        data: the dataset.
        recipe: the recipe of the training.
        pca: principal components of the training images; None for `colorize`.
        colours: mean colours of the training images, for `colorize`.

    Returns:
        The metrics by name. For `reconstruct`, `denoise` and `generate`, they are `mse`, `squared_error` (the sum over
        an image), `psnr` and `bce` of reconstructed images; `pca_mse`; and `mean_mse`, the error of the mean of the
        training images.

        For `denoise`, there are also comparisons with the clean images: `psnr_noisy` for the noisy images;
        `psnr_denoised`, `denoise_mse` and `denoise_bce` for the denoised images; `noisy_mse` for the noisy images;
        `pca_denoise_mse` for noisy images that PCA reconstructs. `psnr_lift` is `psnr_denoised` minus `psnr_noisy`.

        For `generate`, there is also `elbo`, the lower bound of log p(x) in nats, with one sample for each image.

        For `colorize`, the metrics are `mse` and `psnr`; `grey_mse`, the error of the grey image itself; and
        `mean_colour_mse`, the error of `MeanColours`.
    """
    shown, wanted = pairs(model, recipe, data.x_test)
    if recipe.task == "colorize":
        assert colours is not None
        answer = reconstruct(model, shown)
        return {
            "mse": mse(wanted, answer),
            "psnr": psnr(wanted, answer),
            "grey_mse": mse(wanted, np.repeat(shown, 3, axis=-1)),
            "mean_colour_mse": mse(wanted, colours(shown)),
        }
    assert pca is not None
    answer = reconstruct(model, wanted)
    size = code_size(model)
    figures = {
        "mse": mse(wanted, answer),
        "squared_error": mse(wanted, answer) * math.prod(data.shape),
        "psnr": psnr(wanted, answer),
        "bce": bce(wanted, answer),
        "pca_mse": mse(wanted, pca.reconstruct(wanted, size)),
        "mean_mse": mse(wanted, pca.mean.reshape(data.shape)),
    }
    if recipe.task == "denoise":
        denoised = reconstruct(model, shown)
        before, after = psnr(wanted, shown), psnr(wanted, denoised)
        figures |= {
            "psnr_noisy": before,
            "psnr_denoised": after,
            "psnr_lift": after - before,
            "denoise_mse": mse(wanted, denoised),
            "denoise_bce": bce(wanted, denoised),
            "noisy_mse": mse(wanted, shown),
            "pca_denoise_mse": mse(wanted, pca.reconstruct(shown, size)),
        }
    if recipe.task == "generate":
        figures["elbo"] = float(np.mean(lower_bound(model, wanted)))
    return figures


def loss_of(recipe: Recipe, images: Images, reconstructed: Images) -> float:
    """Returns the recipe's loss, without penalties, averaged over the images."""
    error: Any = {"squared_error": mse, "binary_crossentropy": bce}[recipe.loss]
    return float(error(images, reconstructed)) * math.prod(images.shape[1:])
