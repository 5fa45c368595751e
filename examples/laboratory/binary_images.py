"""Compares cross-entropy with squared error as the training loss for binary images, measured with both.

    python examples/laboratory/binary_images.py binary_images.png

The same autoencoder with a sigmoid output is trained on binary digits with each loss, from the same first weights and
with the same batches. For each pixel, with the output x̂ = sigmoid(a), the gradients of the losses are

    cross-entropy   ∂L/∂a = x̂ − x
    squared error   ∂L/∂a = 2 (x̂ − x) x̂ (1 − x̂)

so the squared error learns little from pixels that are wrong and certain. The program prints both errors on test
images, the share of wrong pixels, and the 95 % intervals of the differences over pairs of trainings.

Source: lecture notes 000, lecture 7 (choice of loss function); notes 003, "Error Function".
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import BinaryCrossentropy, SquaredError
from keras_gallery.training.data.dataset import load
from matplotlib.figure import Figure

CODE, EPOCHS, BATCH, SEEDS = 32, 20, 64, (0, 1, 2)
RATE = 3e-3
LOSSES = {"cross-entropy": BinaryCrossentropy, "squared error": SquaredError}
COLOURS = ("#3f90da", "#bd1f01")

Floats = np.ndarray


def errors() -> list[keras.metrics.Metric]:
    """Returns new metrics: both errors, summed over the pixels of an image, and the share of wrong pixels."""
    both = [keras.metrics.MeanMetricWrapper(loss().call, name=name) for name, loss in LOSSES.items()]
    return [*both, keras.metrics.BinaryAccuracy(name="right pixels")]


def trained(loss: str, train: Floats, test: Floats, seed: int, epochs: int) -> tuple[dict[str, list[float]], Floats]:
    """Trains with a loss, and returns the test errors after each epoch, and the reconstructions of the test images."""
    keras.utils.set_random_seed(seed)
    network = create("dense_autoencoder", image_shape=train.shape[1:], code_dim=CODE, code_activation="relu")
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * -(-len(train) // BATCH))
    network.compile(keras.optimizers.Adam(rate), LOSSES[loss](), metrics=errors(), steps_per_execution=20)
    options = {"batch_size": BATCH, "epochs": epochs, "validation_batch_size": len(test), "verbose": 0}
    history = network.fit(train, train, validation_data=(test, test), **options).history
    curves = {name: history[f"val_{name}"] for name in LOSSES}
    curves["wrong pixels"] = [1 - each for each in history["val_right pixels"]]
    return curves, np.asarray(network.predict(test, batch_size=len(test), verbose=0))


def interval(first: list[float], second: list[float]) -> tuple[float, float, float]:
    """Returns the mean of the differences first − second, and the ends of its 95 % interval (paired t-test)."""
    from scipy.stats import ttest_rel

    low, high = ttest_rel(first, second).confidence_interval(0.95)
    return float(np.mean(np.subtract(first, second))), float(low), float(high)


def draw(path: Path, curves: dict[str, dict[str, list[float]]], test: Floats, rebuilt: dict[str, Floats]) -> None:
    """Draws the test errors after each epoch, and reconstructions of images `(n, height, width, 1)`."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    *charts, pictures = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    for axis, name in zip(charts, LOSSES, strict=True):
        for colour, (loss, errors) in zip(COLOURS, curves.items(), strict=True):
            axis.plot(range(1, len(errors[name]) + 1), errors[name], color=colour, label=f"trained with {loss}")
        axis.set_title(f"test {name}, sum over the pixels", fontsize=10)
        axis.set_xlabel("epoch", fontsize=9)
    charts[0].legend(fontsize=8)
    chosen = np.arange(8) * len(test) // 8
    rows = [np.concatenate(list(images[chosen, ..., 0]), axis=1) for images in (test, *rebuilt.values())]
    pictures.imshow(np.concatenate(rows), cmap="gray_r", vmin=0, vmax=1)
    height = test.shape[1]
    pictures.set_yticks(np.arange(len(rows)) * height + height / 2, ["test image", *rebuilt], fontsize=8)
    pictures.set_xticks([])
    figure.savefig(path, dpi=100)


def main(
    path: Path, dataset: str = "mnist_5k", epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS
) -> dict[str, dict[str, list[float]]]:
    data = load(dataset)
    train, test = (np.float32(images >= 0.5) for images in (data.x_train, data.x_test))
    found: dict[str, dict[str, list[float]]] = {loss: {} for loss in LOSSES}
    for seed in seeds:
        runs = {loss: trained(loss, train, test, seed, epochs) for loss in LOSSES}
        if seed == seeds[0]:
            curves, images = ({loss: run[part] for loss, run in runs.items()} for part in (0, 1))
            draw(path, curves, test, images)
        for loss, (curves, _) in runs.items():
            for name, values in curves.items():
                found[loss].setdefault(name, []).append(values[-1])
    for name in found["cross-entropy"]:
        both = [found[loss][name] for loss in LOSSES]
        means = " and ".join(f"{np.mean(each):.4g} with {loss}" for loss, each in zip(LOSSES, both, strict=True))
        mean, low, high = interval(*both)
        print(f"{name}: {means}; difference {mean:.4g} ({low:.4g} to {high:.4g})")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "binary_images.png"))
