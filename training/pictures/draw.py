"""Draws the pictures of autoencoders. Only `tasks/reconstruction.py` uses this module."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.layers.kl_sparsity import KLSparsity
from ..best_weights import BestWeights
from ..data.dataset import Dataset
from ..figures import best_inputs
from ..figures.evaluate import Images, code_size, loss_of, pairs, reconstruct
from ..figures.pca import Components
from ..recipe import Recipe
from . import plots

WORDS = {"reconstruct": "reconstructed", "denoise": "denoised", "colorize": "colorized", "generate": "reconstructed"}
SHOWN = 10
POINTS = 1_000
UNITS = 100
STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
TRAVERSED = 8
MAP_SIDE = 12
MOST_DRAWN_CODE = 256  # largest number of values in a code that is drawn


def draw_learning_curve(
    folder: Path,
    model: keras.Model,
    dataset: Dataset,
    recipe: Recipe,
    best: BestWeights,
    held_out: Images,
    pca: Components | None,
) -> None:
    """Draws the learning curve of an autoencoder, with the loss of PCA on the validation split.

    Args:
        folder: folder for the PNG file.
        model: the trained model.
        dataset: the dataset.
        recipe: the recipe of the training.
        best: the callback that has the losses of each epoch and the best epoch.
        held_out: images of the validation split.
        pca: principal components of the training images; None for `colorize`.
    """
    title = f"{model.name}, {dataset.name}"
    level = None
    if pca is not None and recipe.task != "generate" and code_size(model) < held_out[0].size:
        shown, wanted = pairs(model, recipe, held_out)
        level = loss_of(recipe, wanted, pca.reconstruct(shown, code_size(model)))
    plots.learning_curve(folder / "learning_curve.png", title, best.history, best.epoch, pca=level)


def draw(folder: Path, model: keras.Model, dataset: Dataset, recipe: Recipe) -> None:
    """Draws the other pictures of a trained autoencoder.

    They are the predictions, the kernels of the first layer, the best inputs of a deeper layer, and the codes. If the
    encoder has a `KLSparsity` layer, its mean activations are also drawn. For the task `generate`, images that are
    decoded from random and from varied codes are also drawn.

    Args:
        folder: folder for the PNG files.
        model: the trained model.
        dataset: the dataset; its test images are drawn.
        recipe: the recipe of the training.
    """
    title = f"{model.name}, {dataset.name}"
    _draw_answers(folder, title, model, dataset, recipe)
    plots.hidden_units(folder / "hidden_units.png", f"{title}: what each unit looks for", _kernels(model)[:UNITS])
    deeper = best_inputs.of_deeper_units(model.get_layer("encoder"), dataset.x_test)
    if deeper is not None:
        layer, inputs = deeper
        words = f"{title}: what each unit of the layer {layer} looks for"
        plots.hidden_units(folder / "deeper_units.png", words, inputs)

    some = np.random.default_rng(0).permutation(len(dataset.x_test))[:POINTS]
    shown, _ = pairs(model, recipe, dataset.x_test[some])
    codes = reconstruct(model.get_layer("encoder"), shown)
    points = plots.two_dimensions(codes)
    method = "t-SNE" if codes[0].size > 2 else "the code itself"
    plots.codes_2d(
        folder / "codes.png", f"{title}: codes of test images", points, dataset.y_test[some], method, dataset.labels
    )

    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, KLSparsity):
            means = np.asarray(keras.ops.convert_to_numpy(layer.mean_of(codes)))
            plots.kl_curve(folder / "kl_curve.png", layer.rho, means, f"{title}: mean activations, test images")
    if recipe.task == "generate":
        _draw_generated(folder, title, model.get_layer("decoder"), codes)


def _draw_answers(folder: Path, title: str, model: keras.Model, dataset: Dataset, recipe: Recipe) -> None:
    chosen = np.unique(dataset.y_test, return_index=True)[1][:SHOWN]  # one image of each label
    others = np.setdiff1d(np.arange(len(dataset.x_test)), chosen)
    images = dataset.x_test[np.concatenate((chosen, others[: SHOWN - len(chosen)]))]
    shown, wanted = pairs(model, recipe, images)
    before = {"denoise": {"clean": wanted, "noisy": shown}, "colorize": {"colour": wanted, "grey": shown}}.get(
        recipe.task, {"image": wanted}
    )
    word = WORDS[recipe.task]
    codes = None
    if code_size(model) <= MOST_DRAWN_CODE:
        codes = reconstruct(model.get_layer("encoder"), shown)
    plots.image_strip(folder / f"{word}.png", f"{title}: test images", before, codes, {word: reconstruct(model, shown)})


def _kernels(model: keras.Model) -> NDArray[np.float32]:
    """Returns the kernels of the first layer with weights, (units, height, width, channels)."""
    encoder = model.get_layer("encoder")
    kernel: Any = next(layer.kernel for layer in encoder.layers if hasattr(layer, "kernel"))
    array = np.asarray(keras.ops.convert_to_numpy(kernel))
    if array.ndim == 2:  # dense: (values, units)
        return array.T.reshape(-1, *encoder.input_shape[1:])
    return array.transpose(3, 0, 1, 2)  # convolution: (height, width, channels, filters)


def _draw_generated(folder: Path, title: str, decoder: keras.Model, codes: NDArray[np.float32]) -> None:
    code_dim = codes.shape[1]
    drawn = np.random.default_rng(0).standard_normal((100, code_dim), np.float32)
    plots.sample_grid(
        folder / "samples.png", f"{title}: codes drawn from N(0, 1), decoded", reconstruct(decoder, drawn)
    )

    # Only the dimensions of the code with the largest variance are varied. The other dimensions stay at 0.
    rows = np.argsort(-codes.var(axis=0))[:TRAVERSED]
    moved = np.zeros((len(rows), len(STEPS), code_dim), np.float32)
    for row, dimension in enumerate(rows):
        moved[row, :, dimension] = STEPS
    images = reconstruct(decoder, moved.reshape(-1, code_dim))
    plots.traversal(
        folder / "traversal.png",
        f"{title}: one code value moved, the others 0",
        images.reshape(*moved.shape[:2], *images.shape[1:]),
        values=STEPS,
        names=[f"z{dimension}" for dimension in rows],
    )
    if code_dim == 2:
        side = np.linspace(-2.5, 2.5, MAP_SIDE, dtype=np.float32)
        grid = np.stack(np.meshgrid(side, -side), axis=-1).reshape(-1, 2)
        plots.sample_grid(
            folder / "latent_map.png", f"{title}: the plane of codes, decoded", reconstruct(decoder, grid)
        )
