"""Measures how smooth the way between two digits is, for the codes of three kinds of autoencoders.

    python examples/laboratory/interpolation.py interpolation.png

A plain, a denoising and a variational autoencoder have the same encoder and decoder and the same training. For pairs of
test digits, the program decodes codes on the straight line between the two codes, and prints three numbers:

- the bend: how much the step from one decoded image to the next one changes, relative to a step of the straight line;
- the length of the way, relative to the straight line between its ends;
- the distance of the middle image to the nearest training digit, per pixel.

Beside them are the numbers for a mixture of the two images, pixel by pixel.

Source: lecture notes 003, "Variational Autoencoder" (smooth latent state representations).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.layers.corruption import Corruption
from keras_gallery.models.losses import BinaryCrossentropy
from keras_gallery.training.data.dataset import load
from matplotlib.figure import Figure

CODE, HIDDEN, NOISE = 8, (64,), 0.3
EPOCHS, BATCH, SEEDS = 100, 64, (0, 1, 2)
PAIRS, STEPS = 1_000, 10
KINDS = ("plain", "denoising", "variational")

Floats = np.ndarray
Function = Callable[[Floats], Floats]


def networks(kind: str, image_shape: tuple[int, ...]) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Returns a network to train, its encoder without noise, and its decoder. They are the same for all kinds.

    All kinds are made of the parts of `variational_autoencoder`. The plain and the denoising autoencoder use the mean
    as the code, so their networks have no layer for the variance.
    """
    variational = create("variational_autoencoder", image_shape=image_shape, hidden=HIDDEN, code_dim=CODE)
    encoder, decoder = variational.get_layer("encoder"), variational.get_layer("decoder")
    mean = keras.Model(encoder.input, encoder.get_layer("mean").output)
    if kind == "variational":
        return variational, mean, decoder
    image = keras.Input(image_shape)
    noisy = Corruption("gaussian", NOISE)(image) if kind == "denoising" else image
    return keras.Model(image, decoder(mean(noisy))), mean, decoder


def trained(kind: str, x: Floats, seed: int, epochs: int) -> tuple[Function, Function]:
    """Trains an autoencoder, and returns its functions `encode` and `decode` of arrays."""
    keras.utils.set_random_seed(seed)
    network, encoder, decoder = networks(kind, x.shape[1:])
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(x) // BATCH))
    network.compile(keras.optimizers.Adam(rate), BinaryCrossentropy(), steps_per_execution=20)
    network.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)

    def function(part: keras.Model) -> Function:
        return lambda values: part.predict(values, batch_size=2_048, verbose=0)

    return function(encoder), function(decoder)


def between(start: Floats, end: Floats) -> Floats:
    """Returns `STEPS` + 1 points `(n, STEPS + 1, …)` on the straight lines between points `(n, …)`."""
    t = np.linspace(0, 1, STEPS + 1, dtype=np.float32).reshape(1, -1, *[1] * (start.ndim - 1))
    return (1 - t) * start[:, None] + t * end[:, None]


def bend(ways: Floats) -> float:
    """Returns the mean of ‖x_{k+1} − 2 x_k + x_{k−1}‖ / (‖x_K − x_0‖ / K) for ways `(n, K + 1, values)`.

    A way that moves in equal steps along a straight line has a bend of 0.
    """
    second = np.linalg.norm(ways[:, 2:] - 2 * ways[:, 1:-1] + ways[:, :-2], axis=-1)  # (n, K − 1)
    step = np.linalg.norm(ways[:, -1:] - ways[:, :1], axis=-1) / (ways.shape[1] - 1)  # (n, 1)
    return float(np.mean(second / step))


def length(ways: Floats) -> float:
    """Returns the mean of Σ_k ‖x_{k+1} − x_k‖ / ‖x_K − x_0‖ for ways `(n, K + 1, values)`: 1 for straight lines."""
    steps = np.linalg.norm(np.diff(ways, axis=1), axis=-1).sum(axis=1)
    return float(np.mean(steps / np.linalg.norm(ways[:, -1] - ways[:, 0], axis=-1)))


def distance(images: Floats, train: Floats) -> float:
    """Returns the mean distance of images `(n, values)` to the nearest training image, as a root mean square."""
    from scipy.spatial.distance import cdist

    return float(cdist(images, train).min(axis=1).mean() / np.sqrt(images.shape[1]))


def pairs(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns the indices `(count, 2)` of random pairs of images with different labels."""
    drawn = rng.integers(len(labels), size=(count * 2, 2))
    return drawn[labels[drawn[:, 0]] != labels[drawn[:, 1]]][:count]


def draw(path: Path, ways: dict[str, Floats]) -> None:
    """Draws ways `(n, STEPS + 1, height, width)`: a row for each pair and kind."""
    count = len(next(iter(ways.values())))
    figure = Figure(figsize=(8, 0.72 * count * len(ways)), layout="constrained")
    for axis, index in zip(figure.subplots(count, 1), range(count), strict=True):
        rows = [np.concatenate(list(np.pad(each[index], ((0, 0), (1, 1), (1, 1)))), axis=1) for each in ways.values()]
        axis.imshow(np.concatenate(rows), cmap="gray_r", vmin=0, vmax=1)
        height = len(rows[0])
        axis.set_yticks(np.arange(len(rows)) * height + height / 2, ways, fontsize=8)
        axis.set_xticks([])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.savefig(path, dpi=100)


def main(
    path: Path, epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS, count: int = PAIRS
) -> dict[str, dict[str, list[float]]]:
    data = load("digits")
    train = data.x_train.reshape(len(data.x_train), -1)
    start, end = data.x_test[pairs(data.y_test, count, np.random.default_rng(0)).T]
    drawn: dict[str, Floats] = {}
    found: dict[str, dict[str, list[float]]] = {}
    for seed in seeds:
        for kind in ("mixture of pixels", *KINDS):
            if kind in KINDS:
                encode, decode = trained(kind, data.x_train, seed, epochs)
                codes = between(encode(start), encode(end))
                images = decode(codes.reshape(-1, CODE)).reshape(*codes.shape[:2], *start.shape[1:])
            else:
                images = between(start, end)
            drawn.setdefault(kind, images[:4, ..., 0])
            ways = images.reshape(*images.shape[:2], -1)
            figures = bend(ways), length(ways), distance(ways[:, STEPS // 2], train), distance(ways[:, 0], train)
            for name, value in zip(("bend", "length", "middle", "ends"), figures, strict=True):
                found.setdefault(kind, {}).setdefault(name, []).append(value)
    draw(path, drawn)
    for kind, figures in found.items():
        text = ", ".join(f"{name} {np.mean(each):.3f} ± {np.std(each):.3f}" for name, each in figures.items())
        print(f"{kind:17} {text}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "interpolation.png"))
