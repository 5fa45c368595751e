"""Figures of a trained autoencoder, on test images only, beside PCA of the same code size."""

from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ..models.layers.corruption import corrupt
from .data import Dataset

Images = NDArray[np.float32]  # (n, height, width, channels), in [0, 1]

NOISE_SEED = 1
EPSILON = 1e-7
LEAST_ERROR = 1e-10  # so that an image that comes back exactly has 100 dB


def mse(images: Images, reconstructed: Images) -> float:
    """Mean squared error of a value."""
    return float(np.mean(np.square(reconstructed - images, dtype=np.float64)))


def bce(images: Images, reconstructed: Images) -> float:
    """Mean cross-entropy of a value, in nats: −x log x̂ − (1 − x) log(1 − x̂)."""
    p = np.clip(reconstructed.astype(np.float64), EPSILON, 1 - EPSILON)
    return float(np.mean(-images * np.log(p) - (1 - images) * np.log1p(-p)))


def psnr(images: Images, reconstructed: Images) -> float:
    """Peak signal-to-noise ratio in dB, −10 log₁₀ MSE with a peak of 1, at most 100: mean over the images."""
    errors = np.mean(np.square(reconstructed - images, dtype=np.float64), axis=(1, 2, 3))
    return float(np.mean(-10 * np.log10(np.maximum(errors, LEAST_ERROR))))


def pca_reconstruct(train: Images, images: Images, components: int) -> Images:
    """`images` projected on the first principal components of `train`, and back."""
    from sklearn.decomposition import PCA

    flat = train.reshape(len(train), -1)
    pca = PCA(min(components, *flat.shape), svd_solver="covariance_eigh").fit(flat)
    codes = pca.transform(images.reshape(len(images), -1))
    return np.asarray(pca.inverse_transform(codes), np.float32).reshape(images.shape)


def reconstruct(model: keras.Model, images: Images) -> Images:
    """The model's answer to `images`."""
    return np.asarray(model.predict(images, batch_size=256, verbose=0))


def add_noise(model: keras.Model, images: Images) -> Images:
    """`images` under the noise that the model was trained against; the same each time."""
    layer = model.get_layer("corruption")
    return np.asarray(keras.ops.convert_to_numpy(corrupt(images, layer.noise, layer.level, NOISE_SEED)))


def evaluate(model: keras.Model, data: Dataset, task: Literal["reconstruct", "denoise"]) -> dict[str, float]:
    """The figures of a trained autoencoder.

    Returns:
        For both tasks `mse`, `psnr` and `bce` of reconstructed test images, and `pca_mse`. For `denoise` also
        `psnr_noisy`, `psnr_denoised`, `psnr_lift` (their difference), `denoise_mse`, `denoise_bce` and
        `pca_denoise_mse`, all against the clean images.
    """
    clean = data.x_test
    code_dim: Any = model.get_layer("encoder").output_shape[-1]
    answer = reconstruct(model, clean)
    figures = {
        "mse": mse(clean, answer),
        "psnr": psnr(clean, answer),
        "bce": bce(clean, answer),
        "pca_mse": mse(clean, pca_reconstruct(data.x_train, clean, code_dim)),
    }
    if task == "denoise":
        noisy = add_noise(model, clean)
        denoised = reconstruct(model, noisy)
        before, after = psnr(clean, noisy), psnr(clean, denoised)
        figures |= {
            "psnr_noisy": before,
            "psnr_denoised": after,
            "psnr_lift": after - before,
            "denoise_mse": mse(clean, denoised),
            "denoise_bce": bce(clean, denoised),
            "pca_denoise_mse": mse(clean, pca_reconstruct(data.x_train, noisy, code_dim)),
        }
    return figures
