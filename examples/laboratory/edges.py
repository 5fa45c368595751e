"""Learns edges from patches of photographs with a sparse autoencoder, and measures how many units are edge-like.

    python examples/laboratory/edges.py edges.png

The inputs are whitened patches of 10 × 10 pixels. The network has 100 hidden units with a KL penalty, and a penalty for
large weights. The picture shows the input of norm 1 that activates each hidden unit most, x_j = W_ij / √(Σ_j W_ij²).
The program prints the share of the units whose input has one orientation, one band of frequencies and a small area, for
the trained network, for the components of PCA and for random weights.

Source: lecture notes 003, "Visualization"; Olshausen and Field 1996, "Emergence of Simple-Cell Receptive Field
Properties by Learning a Sparse Code for Natural Images".
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.training.data.dataset import load
from keras_gallery.training.figures.pca import Components
from keras_gallery.training.pictures.plots import best_inputs
from matplotlib.figure import Figure

SIZE, UNITS, PATCHES, EPOCHS, BATCH, SEEDS = 10, 100, 20_000, 20, 200, (0, 1, 2)
RHO, WEIGHT = 0.03, 10.0  # target mean activation, and weight of the KL penalty
DECAY = 0.01  # weight of the sum of the squared weights; without it, small activations and large weights suffice
EPSILON = 0.3  # added to the variances before whitening, so that noise is not amplified
PADDED = 40  # side of the padded images whose spectrum is computed
RADIUS = 0.1  # of a band, in cycles per pixel: a patch of 10 pixels cannot distinguish closer frequencies
LEAST_ORIENTED, LEAST_BAND, MOST_AREA = 0.5, 0.5, 0.25

Floats = np.ndarray


def patches(count: int, rng: np.random.Generator) -> Floats:
    """Returns grey patches `(count, SIZE, SIZE)` in [0, 1] at random places of the photographs."""
    images = load("photographs").x_train.mean(axis=-1)  # (n, 32, 32)
    tops, lefts = rng.integers(images.shape[1] - SIZE + 1, size=(2, count))
    chosen = zip(rng.integers(len(images), size=count), tops, lefts, strict=True)
    return np.stack([images[index, top : top + SIZE, left : left + SIZE] for index, top, left in chosen])


def whitened(x: Floats) -> Floats:
    """Removes the mean brightness of each patch, and the correlations between pixels: float32 `(n, SIZE, SIZE, 1)`."""
    flat = x.reshape(len(x), -1)
    flat = flat / flat.std()
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat = flat - flat.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(flat.T))
    white = (flat @ axes) / np.sqrt(variances.clip(0) + EPSILON) @ axes.T
    return white.reshape(*x.shape, 1).astype(np.float32)


def measures(inputs: Floats) -> dict[str, Floats]:
    """Returns three numbers in [0, 1] for each image `(n, side, side)`.

    With P, the power at each frequency f of the image without its mean, and θ, the orientation of f:

        orientation = |Σ_f P(f) exp(2iθ)| / Σ_f P(f)      1 for one orientation, 0 for equally many
        band = Σ_{f near ±f*} P(f) / Σ_f P(f)             f* has the most power; near: within `RADIUS`
        area = (Σ_p x_p²)² / (n Σ_p x_p⁴)                 effective share of the n pixels; 1/n for one pixel
    """
    centred = inputs - inputs.mean(axis=(1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(centred, (PADDED, PADDED))) ** 2
    power /= power.sum(axis=(1, 2), keepdims=True)
    steps = np.fft.fftfreq(PADDED)
    frequencies = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)  # (PADDED, PADDED, 2)
    angles = np.arctan2(frequencies[..., 0], frequencies[..., 1])
    best = frequencies.reshape(-1, 2)[power.reshape(len(power), -1).argmax(axis=1)]  # (n, 2)
    is_near = np.zeros(power.shape, bool)
    for sign in (1, -1):
        apart = (frequencies - sign * best[:, None, None] + 0.5) % 1 - 0.5  # frequencies repeat after 1
        is_near |= (apart**2).sum(axis=-1) <= RADIUS**2
    squares = inputs**2
    return {
        "orientation": np.abs((power * np.exp(2j * angles)).sum(axis=(1, 2))),
        "band": (power * is_near).sum(axis=(1, 2)),
        "area": squares.sum(axis=(1, 2)) ** 2 / (squares**2).sum(axis=(1, 2)) / inputs[0].size,
    }


def shares(inputs: Floats) -> dict[str, float]:
    """Returns the shares of images `(n, side, side)` with one orientation, one band, a small area, and all three."""
    found = measures(inputs)
    are = {
        "oriented": found["orientation"] >= LEAST_ORIENTED,
        "band": found["band"] >= LEAST_BAND,
        "local": found["area"] <= MOST_AREA,
    }
    are["edge-like"] = are["oriented"] & are["band"] & are["local"]
    return {name: float(each.mean()) for name, each in are.items()}


def trained(x: Floats, seed: int, epochs: int) -> Floats:
    """Trains the sparse autoencoder, and returns the weights of its units, `(UNITS, SIZE, SIZE, 1)`."""
    keras.utils.set_random_seed(seed)
    options = {"rho": RHO, "weight": WEIGHT, "output_activation": "linear"}
    model = create("sparse_autoencoder", image_shape=x.shape[1:], code_dim=UNITS, **options)
    code, output = model.get_layer("encoder").get_layer("code"), model.get_layer("decoder").get_layer("output")
    for layer in (code, output):
        layer.kernel.regularizer = keras.regularizers.L2(DECAY)
    code.bias.assign(np.full(UNITS, np.log(RHO / (1 - RHO))))  # so that the first mean activations are about RHO
    rate = keras.optimizers.schedules.CosineDecay(0.02, epochs * -(-len(x) // BATCH))
    model.compile(keras.optimizers.Adam(rate), SquaredError(), steps_per_execution=20)
    model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)
    return code.get_weights()[0].T.reshape(UNITS, *x.shape[1:])


def draw(path: Path, inputs: dict[str, Floats]) -> None:
    """Draws the first 100 images `(n, SIZE, SIZE)` of each kind, each image on its own scale."""
    figure = Figure(figsize=(12, 4.3), layout="constrained")
    for axis, (name, images) in zip(figure.subplots(1, len(inputs)), inputs.items(), strict=True):
        scaled = images[:100] / np.abs(images[:100]).max(axis=(1, 2), keepdims=True)
        framed = np.pad(scaled, ((0, 100 - len(scaled)), (1, 0), (1, 0)), constant_values=1)
        tiles = framed.reshape(10, 10, SIZE + 1, SIZE + 1).swapaxes(1, 2).reshape(10 * (SIZE + 1), -1)
        axis.imshow(tiles, cmap="gray", vmin=-1, vmax=1)
        axis.set_title(f"{name}: {shares(images)['edge-like']:.0%} edge-like", fontsize=11)
        axis.axis("off")
    figure.savefig(path, dpi=100)


def main(
    path: Path, count: int = PATCHES, epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS
) -> dict[str, list[dict[str, float]]]:
    x = whitened(patches(count, np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    kernels = {
        "sparse autoencoder": [trained(x, seed, epochs) for seed in seeds],
        "components of PCA": [Components(x).axes[:UNITS].reshape(-1, *x.shape[1:])],
        "random weights": [rng.standard_normal((UNITS, *x.shape[1:])) for _ in seeds],
    }
    inputs = {name: [best_inputs(each)[..., 0] for each in all_seeds] for name, all_seeds in kernels.items()}
    draw(path, {name: all_seeds[0] for name, all_seeds in inputs.items()})
    found = {name: [shares(each) for each in all_seeds] for name, all_seeds in inputs.items()}
    for name, all_seeds in found.items():
        values = {each: [one[each] for one in all_seeds] for each in all_seeds[0]}
        text = ", ".join(f"{key} {np.mean(each):.1%} ± {np.std(each):.1%}" for key, each in values.items())
        print(f"{name:18} {text}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "edges.png"))
