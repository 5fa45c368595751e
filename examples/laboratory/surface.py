"""Compares the plane of PCA with the curved surface that a nonlinear autoencoder finds for points in 3-D.

    python examples/laboratory/surface.py surface.png

The points are on three quarters of a cylinder, so two numbers describe each point: the angle and the height. All
networks have a code of two values. The program prints the fraction of the variance of the test points that each method
loses. For PCA, this fraction is known: the variance along the axis with the least variance.

Source: lecture notes 004, "PCA Vs Autoencoders" (a hyperplane or a non-linear manifold); Bourlard and Kamp 1988,
"Auto-Association by Multilayer Perceptrons and Singular Value Decomposition".
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.training.figures.pca import Components
from matplotlib.figure import Figure

ARC, HEIGHT = 1.5 * np.pi, 3.0  # of the cylinder with radius 1
TRAIN, TEST, EPOCHS, BATCH, SEEDS = 4_000, 1_000, 40, 100, (0, 1, 2)
POINT = (3, 1, 1)  # shape of a point as an image
NETWORKS = {
    "linear 3-2-3": ("linear_autoencoder", {}),
    "tanh 3-2-3": ("dense_autoencoder", {"code_activation": "tanh", "output_activation": "linear"}),
    "tanh 3-32-2-32-3": (
        "stacked_autoencoder",
        {"hidden": (32,), "activation": "tanh", "output_activation": "linear"},
    ),
}

Floats = np.ndarray


def surface(count: int, rng: np.random.Generator) -> Floats:
    """Returns random points on the surface, float32 `(count, 3, 1, 1)`: cos of the angle, sin of the angle, height."""
    angles, heights = rng.uniform(-ARC / 2, ARC / 2, count), rng.uniform(0, HEIGHT, count)
    return np.stack([np.cos(angles), np.sin(angles), heights], axis=1).astype(np.float32).reshape(-1, *POINT)


def lost_by_a_plane() -> float:
    """Returns the fraction of the variance that the best plane loses, for infinitely many points.

    For an angle that is uniform in [−a, a], the variances of its cosine and of its sine are

        Var cos = ½ + sin 2a / 4a − (sin a / a)²,    Var sin = ½ − sin 2a / 4a
    """
    a = ARC / 2
    cosine = 0.5 + np.sin(2 * a) / (4 * a) - (np.sin(a) / a) ** 2
    sine = 0.5 - np.sin(2 * a) / (4 * a)
    variances = cosine, sine, HEIGHT**2 / 12
    return float(min(variances) / sum(variances))


def lost(x: Floats, rebuilt: Floats) -> float:
    """Returns the fraction of the variance of `x` that its reconstruction loses."""
    return float(np.sum((rebuilt - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2))


def rebuilt_by(name: str, train: Floats, test: Floats, seed: int, epochs: int) -> Floats:
    """Trains a network, and returns its reconstruction of the test points."""
    keras.utils.set_random_seed(seed)
    model, options = NETWORKS[name]
    network = create(model, image_shape=POINT, code_dim=2, **options)
    rate = keras.optimizers.schedules.CosineDecay(0.02, epochs * -(-len(train) // BATCH))
    network.compile(keras.optimizers.Adam(rate), SquaredError(), steps_per_execution=20)
    network.fit(train, train, batch_size=BATCH, epochs=epochs, verbose=0)
    return np.asarray(network(test))


def draw(path: Path, x: Floats, rebuilt: dict[str, Floats]) -> None:
    """Draws points `(n, 3, 1, 1)` and their reconstructions. The colour is the angle of the point."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    angles = np.arctan2(x[:, 1], x[:, 0]).ravel()
    for column, (name, points) in enumerate({"test points": x, **rebuilt}.items(), 1):
        axis = figure.add_subplot(1, 1 + len(rebuilt), column, projection="3d")
        axis.scatter(*points.reshape(-1, 3).T, c=angles, cmap="viridis", s=3)
        axis.set_title(name, fontsize=10, pad=0)
        axis.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), zlim=(0, HEIGHT), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        axis.set_zticks([0, HEIGHT])
        axis.set_box_aspect((1, 1, 1))
        axis.view_init(elev=62, azim=25)  # from above, so that a plane differs from a curved surface
        axis.tick_params(labelsize=7, pad=-2)
    figure.savefig(path, dpi=80)


def main(path: Path, epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS) -> dict[str, list[float]]:
    losses: dict[str, list[float]] = {"PCA": [], **{name: [] for name in NETWORKS}}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        train, test = surface(TRAIN, rng), surface(TEST, rng)
        rebuilt = {"PCA": Components(train).reconstruct(test, 2)}
        rebuilt |= {name: rebuilt_by(name, train, test, seed, epochs) for name in NETWORKS}
        if seed == seeds[0]:
            draw(path, test, {name: points for name, points in rebuilt.items() if name != "linear 3-2-3"})
        for name, points in rebuilt.items():
            losses[name].append(lost(test, points))
    print(f"the best plane, for infinitely many points: {lost_by_a_plane():.4f} of the variance lost")
    for name, values in losses.items():
        print(f"{name:17} {np.mean(values):.4f} ± {np.std(values):.4f}")
    return losses


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "surface.png"))
