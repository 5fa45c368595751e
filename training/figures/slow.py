"""Metrics of autoencoders that take minutes to compute. Only `tasks/reconstruction.py` uses this module.

The metrics measure how useful the code is, how well noise is removed, and the likelihood of images.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.layers.corruption import Noise
from ...models.layers.kl_sparsity import KLSparsity
from ..data.batches import binarize
from ..data.dataset import Dataset, load
from ..errors import DataUnavailable
from ..recipe import Recipe
from .evaluate import BINARY_SEED, Images, code_size, mse, psnr, reconstruct, under_noise
from .likelihood import importance_log_likelihood
from .pca import Components

PROBED = 10_000  # largest number of training images for `probe` and `knn`
NEIGHBOURS = 5
SWEPT = 1_000  # largest number of test images for the noise levels
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SMALL_NOISE = 0.1
SAMPLES = 5_000
# For each dataset, another dataset whose images should have a larger reconstruction error.
UNLIKE = {"mnist": "fashion_mnist", "mnist_5k": "fashion_mnist", "fashion_mnist": "mnist"}

Curves = dict[str, dict[str, list[float]]]


def measure(
    model: keras.Model, data: Dataset, recipe: Recipe, pca: Components, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Returns the metrics of an autoencoder that `figures.evaluate` does not compute. Do not use it for `colorize`.

    Args:
        model: the trained autoencoder.
        data: the dataset.
        recipe: the recipe of the training.
        pca: principal components of the training images.
        report: called with progress messages.

    Returns:
        `probe` and `knn`: test accuracy of a logistic regression and of a 5-nearest-neighbours classifier on the codes.
        `shift`: squared distance by which noise with σ = 0.1 moves a code, divided by the variance of the codes.
        `pca_probe`, `pca_knn` and `pca_shift`: `probe`, `knn` and `shift` with the codes of PCA.
        `auroc`: area under the ROC curve of the squared error as a score that separates the images of another dataset
        from the test images. It is left out if no such dataset is available.
        `copied_noise_mse`: mean squared error of reconstructed images of uniform noise.
        `angle`, for a linear decoder: largest principal angle between the subspaces of the decoder and of PCA, in
        degrees.
        `mean_activation` and `near_rho`, for a `KLSparsity` code: the mean activation of the units, and the share of
        units whose mean activation differs from ρ by at most 20 % of ρ.
        `sweep`, for `denoise`: PSNR and SSIM of each method at each of `LEVELS`, for Gaussian and for masking noise.
        `nll` and `nll_standard_error`, for `generate`: −log p(x) in nats with 5,000 importance samples, and its
        standard error. The images are binarised once with a fixed seed.
    """
    size = code_size(model)
    report("    linear probe and nearest neighbours")
    figures: dict[str, Any] = {}
    encoders = {"": lambda x: _codes(model, x), "pca_": lambda x: pca.encode(x, size)}
    for prefix, encode in encoders.items():
        probe, knn = _accuracies(encode, data)
        figures |= {f"{prefix}probe": probe, f"{prefix}knn": knn, f"{prefix}shift": _shift(encode, data.x_test)}
    uniform = np.random.default_rng(0).random((1_000, *data.shape), np.float32)
    figures["copied_noise_mse"] = mse(uniform, reconstruct(model, uniform))
    auroc = _auroc(model, data)
    if auroc is not None:
        figures["auroc"] = auroc
    angle = _angle(model, pca)
    if angle is not None:
        figures["angle"] = angle
    figures |= _sparsity(model, data)
    if recipe.task == "denoise":
        report("    noise levels")
        figures["sweep"] = {kind: _sweep(model, data, pca, size, kind) for kind in ("gaussian", "masking")}
    if recipe.task == "generate":
        images = binarize(data.x_test, np.random.default_rng(BINARY_SEED))

        def progress(done: int) -> None:
            if done % 1_000 == 0:
                report(f"    likelihood of {done:,} of {len(images):,} images")

        log_p = importance_log_likelihood(model, images, SAMPLES, progress=progress)
        figures["nll"] = float(-log_p.mean())
        figures["nll_standard_error"] = float(log_p.std() / math.sqrt(len(log_p)))
    return figures


def _codes(model: keras.Model, images: Images) -> NDArray[np.float32]:
    codes = reconstruct(model.get_layer("encoder"), images)
    return codes.reshape(len(codes), -1)


def _accuracies(encode: Callable[[Images], Any], data: Dataset) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, labels = encode(data.x_train[:PROBED]), data.y_train[:PROBED]
    test = encode(data.x_test)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000, tol=1e-3)).fit(train, labels)
    neighbours = KNeighborsClassifier(NEIGHBOURS).fit(train, labels)
    return float(probe.score(test, data.y_test)), float(neighbours.score(test, data.y_test))


def _shift(encode: Callable[[Images], Any], images: Images) -> float:
    """Returns E‖h(x + ε) − h(x)‖² / Σ_j Var h_j for noise ε and the code h."""
    codes, moved = encode(images), encode(under_noise(images, "gaussian", SMALL_NOISE))
    return float(np.sum(np.mean(np.square(moved - codes), axis=0)) / np.sum(np.var(codes, axis=0)))


def _auroc(model: keras.Model, data: Dataset) -> float | None:
    from sklearn.metrics import roc_auc_score

    if data.name not in UNLIKE:
        return None
    try:
        other = load(UNLIKE[data.name]).x_test
    except DataUnavailable:
        return None
    scores = [np.sum(np.square(reconstruct(model, x) - x), axis=(1, 2, 3)) for x in (data.x_test, other)]
    is_other = np.repeat([0, 1], [len(each) for each in scores])
    return float(roc_auc_score(is_other, np.concatenate(scores)))


def _angle(model: keras.Model, pca: Components) -> float | None:
    """Returns the largest principal angle between the subspaces of the decoder and of PCA, in degrees.

    Returns None if the decoder is not linear.
    """
    from scipy.linalg import subspace_angles

    decoder = model.get_layer("decoder")
    shape = decoder.input_shape[1:]
    if len(shape) != 1:
        return None
    unit = np.eye(shape[0], dtype=np.float32)
    origin = reconstruct(decoder, np.zeros((1, *shape), np.float32)).reshape(1, -1)
    once, twice = (reconstruct(decoder, by * unit).reshape(len(unit), -1) - origin for by in (1, 2))
    if not np.allclose(2 * once, twice, atol=1e-4):
        return None
    return float(np.degrees(subspace_angles(once.T, pca.axes[: len(unit)].T).max()))


def _sparsity(model: keras.Model, data: Dataset) -> dict[str, float]:
    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, KLSparsity):
            means = np.asarray(keras.ops.convert_to_numpy(layer.mean_of(_codes(model, data.x_train))))
            near = np.abs(means - layer.rho) <= 0.2 * layer.rho
            return {"mean_activation": float(means.mean()), "near_rho": float(near.mean())}
    return {}


def _sweep(model: keras.Model, data: Dataset, pca: Components, size: int, kind: Noise) -> Curves:
    from scipy.ndimage import median_filter

    clean = data.x_test[:SWEPT]
    methods: dict[str, Callable[[Images], Images]] = {
        "identity": lambda x: x,
        "median filter": lambda x: median_filter(x, size=(1, 3, 3, 1)),
        "PCA": lambda x: np.clip(pca.reconstruct(x, size), 0, 1),
        "this model": lambda x: reconstruct(model, x),
    }
    curves: Curves = {"psnr": {}, "ssim": {}}
    noisy = [under_noise(clean, kind, level) for level in LEVELS]
    for name, method in methods.items():
        denoised = [method(images) for images in noisy]
        curves["psnr"][name] = [psnr(clean, images) for images in denoised]
        curves["ssim"][name] = [ssim(clean, images) for images in denoised]
    return curves


def ssim(images: Images, reconstructed: Images) -> float:
    """Returns the structural similarity (SSIM) with windows of 7 × 7 pixels, averaged over the images in [0, 1]."""
    from skimage.metrics import structural_similarity

    return float(
        np.mean(
            [
                structural_similarity(x, y, data_range=1.0, channel_axis=-1)
                for x, y in zip(images, reconstructed, strict=True)
            ]
        )
    )
