"""Measures whether each value of a variational autoencoder's code describes one property of the image.

    python examples/laboratory/disentanglement.py disentanglement.png

The images show shapes with five known factors: kind, place (x and y), size and rotation. The program trains
`variational_autoencoder` with several weights β of the KL term, and prints the mutual information gap (MIG). The gap is
1 if one value of the code alone describes each factor, and 0 if two values describe each factor equally well. The
picture shows the mutual information of each factor and each value of the code.

Source: lecture notes 000, lecture 7 (entangled features); Higgins et al. 2017, "β-VAE"; Chen, Li, Grosse and Duvenaud
2018, "Isolating Sources of Disentanglement in Variational Autoencoders" (MIG).
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import BinaryCrossentropy
from keras_gallery.training.figures.pca import Components
from matplotlib.figure import Figure

SIDE, CODE, HIDDEN = 16, 8, (128, 128)
FACTORS = {"kind": 3, "x": 8, "y": 8, "size": 4, "rotation": 8}  # and the number of values of each factor
TRAIN, TEST, EPOCHS, BATCH, SEEDS = 8_000, 3_000, 40, 128, (0, 1, 2)
BETAS = (1.0, 4.0, 16.0)
BINS = 20

Floats = np.ndarray


def factors(count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns random values of the factors, `(count, 5)`: whole numbers from 0."""
    return np.stack([rng.integers(values, size=count) for values in FACTORS.values()], axis=1)


def shapes(values: np.ndarray) -> Floats:
    """Draws a rectangle (kind 0), an ellipse (1) or a triangle (2) for each row of factors `(n, 5)`.

    Returns:
        Images, float32 `(n, SIDE, SIDE, 1)` in [0, 1]. All shapes are twice as long as wide.
    """
    kind, x, y, size, rotation = values.T[:, :, None, None]
    pixels = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1  # centres of the pixels
    across, down = pixels - (x / 7 - 0.5) * 0.9, pixels[:, None] - (y / 7 - 0.5) * 0.9
    radius, angle = 0.3 + 0.07 * size, np.pi * rotation / FACTORS["rotation"]
    u = (np.cos(angle) * across + np.sin(angle) * down) / radius
    v = (np.cos(angle) * down - np.sin(angle) * across) / radius
    outside = [
        np.maximum(np.abs(u), 2 * np.abs(v)) - 1,
        np.sqrt(u**2 + 4 * v**2) - 1,
        np.maximum(-u - 1, 2 * np.abs(v) + u / 2 - 0.5),
    ]  # negative inside the shape
    sharp = np.choose(kind, outside) * radius * SIDE / 2  # about the distance to the edge in pixels
    return np.clip(0.5 - sharp, 0, 1).astype(np.float32)[..., None]


def information(codes: Floats, values: np.ndarray) -> Floats:
    """Returns I(z_j; v_k) / H(v_k) for codes `(n, J)` and factors `(n, K)`: `(K, J)`, from 0 to 1.

    The mutual information is estimated from `BINS` bins of equal width for each value of the code.
    """
    from sklearn.metrics import mutual_info_score

    binned = [np.digitize(code, np.histogram_bin_edges(code, BINS)[1:-1]) for code in codes.T]
    entropies = [mutual_info_score(factor, factor) for factor in values.T]
    mutual = [[mutual_info_score(factor, code) for code in binned] for factor in values.T]
    return np.array(mutual) / np.array(entropies)[:, None]


def gap(share: Floats) -> float:
    """Returns the mutual information gap for the result of `information`, from 0 to 1.

    With j(k), the value of the code that tells most about factor k:

        MIG = 1/K Σ_k [I(z_j(k); v_k) − max_{j ≠ j(k)} I(z_j; v_k)] / H(v_k)
    """
    ordered = np.sort(share, axis=1)
    return float(np.mean(ordered[:, -1] - ordered[:, -2]))


def trained(x: Floats, beta: float, seed: int, epochs: int) -> keras.Model:
    """Trains `variational_autoencoder` with the weight β of the KL term."""
    keras.utils.set_random_seed(seed)
    options = {"hidden": HIDDEN, "code_dim": CODE, "activation": "relu", "kl_weight": beta}
    network = create("variational_autoencoder", image_shape=x.shape[1:], **options)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * -(-len(x) // BATCH))
    network.compile(keras.optimizers.Adam(rate), BinaryCrossentropy(), steps_per_execution=20)
    network.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)
    return network


def draw(path: Path, examples: Floats, shares: dict[str, Floats]) -> None:
    """Draws images `(12, SIDE, SIDE)`, and the result of `information` for each method."""
    figure = Figure(figsize=(3.0 * (1 + len(shares)), 2.6), layout="constrained")
    first, *axes = figure.subplots(1, 1 + len(shares))
    framed = np.pad(examples, ((0, 0), (1, 0), (1, 0)), constant_values=0.5).reshape(4, 3, SIDE + 1, SIDE + 1)
    first.imshow(framed.swapaxes(1, 2).reshape(4 * (SIDE + 1), -1), cmap="gray")
    first.set_title("images", fontsize=10)
    first.axis("off")
    for axis, (name, share) in zip(axes, shares.items(), strict=True):
        shown = axis.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axis.set_title(f"{name}: MIG {gap(share):.2f}", fontsize=10)
        axis.set_xticks(range(share.shape[1]), range(1, share.shape[1] + 1), fontsize=8)
        axis.set_yticks(range(len(FACTORS)), FACTORS if axis is axes[0] else [""] * len(FACTORS), fontsize=8)
        axis.set_xlabel("value of the code", fontsize=9)
    figure.colorbar(shown, ax=axes[-1], label="I(z; v) / H(v)")
    figure.savefig(path, dpi=100)


def main(
    path: Path,
    count: int = TRAIN,
    epochs: int = EPOCHS,
    seeds: tuple[int, ...] = SEEDS,
    betas: tuple[float, ...] = BETAS,
) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    drawn: dict[str, Floats] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        x, values = shapes(factors(count, rng)), factors(TEST, rng)
        test = shapes(values)
        components = Components(x)
        methods = {"PCA": (components.encode(test, CODE), components.reconstruct(test, CODE))}
        for beta in betas:
            network = trained(x, beta, seed, epochs)
            codes = network.get_layer("encoder").predict(test, batch_size=TEST, verbose=0)
            methods[f"β = {beta:g}"] = codes, network.get_layer("decoder").predict(codes, batch_size=TEST, verbose=0)
        for name, (codes, rebuilt) in methods.items():
            share = information(codes, values)
            drawn.setdefault(name, share)
            figures = {"MIG": gap(share), "MSE": float(np.mean((rebuilt - test) ** 2))}
            figures |= {factor: float(row.max()) for factor, row in zip(FACTORS, share, strict=True)}
            for key, value in figures.items():
                found.setdefault(name, {}).setdefault(key, []).append(value)
    draw(path, shapes(factors(12, np.random.default_rng(0)))[..., 0], drawn)
    for name, figures in found.items():
        text = ", ".join(f"{key} {np.mean(each):.3f} ± {np.std(each):.3f}" for key, each in figures.items())
        print(f"{name:7} {text}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "disentanglement.png"))
