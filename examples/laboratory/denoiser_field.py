"""Shows that a denoising autoencoder points from noisy points to the curve of the training points.

    python examples/laboratory/denoiser_field.py denoiser_field.png

The training points are on a spiral. An autoencoder D learns to remove Gaussian noise from them. The picture shows
D(x) − x as arrows. The program prints the mean cosine between D(x) − x and the direction to the nearest point of the
curve, for points x at several distances from the curve. Beside it: the same network trained without noise, and the
best possible denoiser, which is known for a finite set of training points.

Source: lecture notes 003, "Denoising autoencoders" (a projection back onto the training data); Alain and Bengio 2014,
"What Regularized Auto-Encoders Learn from the Data-Generating Distribution".
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras_gallery.models.losses import SquaredError
from matplotlib.figure import Figure

NOISE = 0.08  # standard deviation; neighbouring turns of the spiral are 0.5 apart
TRAIN, TEST, EPOCHS, BATCH, SEEDS = 5_000, 2_000, 150, 250, (0, 1, 2)
UNITS = 128  # of each hidden layer
DISTANCES = (0.5, 1.0, 2.0)  # from the curve, in standard deviations of the noise
FINE = 20_000  # points of the curve among which the nearest point is searched

Floats = np.ndarray


def spiral(t: Floats) -> tuple[Floats, Floats]:
    """Returns points of the curve `(n, 2)` for t `(n,)` in [0, 1], and the normal vectors of length 1 there."""
    radius, angle = 0.25 + 0.75 * t, 3 * np.pi * t
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    tangents = 0.75 * points / radius[:, None] + 3 * np.pi * np.stack([-points[:, 1], points[:, 0]], axis=1)
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)
    return points, normals / np.linalg.norm(normals, axis=1, keepdims=True)


def nearest(x: Floats, curve: Floats) -> Floats:
    """Returns the nearest point of the curve `(m, 2)` for each point `(n, 2)`."""
    from scipy.spatial import KDTree

    return curve[KDTree(curve).query(x)[1]]


def mean_cosine(arrows: Floats, directions: Floats) -> float:
    """Returns the mean cosine of the angles between two sets of vectors `(n, 2)`."""
    lengths = np.linalg.norm(arrows, axis=1) * np.linalg.norm(directions, axis=1)
    return float(np.mean(np.sum(arrows * directions, axis=1) / np.maximum(lengths, 1e-12)))


def best_denoiser(x: Floats, train: Floats, noise: float) -> Floats:
    """Returns the mean of the training points `(m, 2)` that noisy points `(n, 2)` may come from.

    No denoiser has a smaller mean squared error on noisy training points. With p, the density of the noisy points,

        D(x) = Σ_i w_i x_i,  w_i ∝ exp(−‖x − x_i‖² / 2σ²)
        D(x) − x = σ² ∇ log p(x)
    """
    from scipy.spatial.distance import cdist
    from scipy.special import softmax

    return np.asarray(softmax(-cdist(x, train, "sqeuclidean") / (2 * noise**2), axis=1) @ train)


def trained(train: Floats, noise: float, seed: int, epochs: int) -> keras.Model:
    """Returns an autoencoder of points `(n, 2)` with two hidden layers, trained with Gaussian noise on its inputs."""
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(UNITS, activation="relu") for _ in range(2)]
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.GaussianNoise(noise, seed=seed), *hidden, keras.layers.Dense(2)]
    )
    rate = keras.optimizers.schedules.CosineDecay(5e-3, epochs * -(-len(train) // BATCH))
    network.compile(keras.optimizers.Adam(rate), SquaredError(), steps_per_execution=20)
    network.fit(train, train, batch_size=BATCH, epochs=epochs, verbose=0)
    return network


def draw(path: Path, fields: dict[str, Floats], grid: Floats, curve: Floats) -> None:
    """Draws the vectors `(n, 2)` of each field at the points of the grid `(n, 2)`, and the curve."""
    figure = Figure(figsize=(4.2 * len(fields), 4.2), layout="constrained")
    for axis, (name, arrows) in zip(figure.subplots(1, len(fields)), fields.items(), strict=True):
        axis.plot(*curve.T, color="#bd1f01", lw=1.5)
        axis.quiver(*grid.T, *arrows.T, angles="xy", scale_units="xy", scale=1, width=0.003, color="#333333")
        axis.set_title(name, fontsize=10)
        axis.set(xlim=(-1.25, 1.1), ylim=(-0.95, 1.2), aspect="equal", xticks=[-1, 0, 1], yticks=[0, 1])
    figure.savefig(path, dpi=80)


def main(
    path: Path, count: int = TRAIN, epochs: int = EPOCHS, seeds: tuple[int, ...] = SEEDS
) -> dict[str, dict[float, list[float]]]:
    curve = spiral(np.linspace(0, 1, FINE))[0]
    lines = np.linspace(-1.25, 1.25, 26)
    grid = np.stack(np.meshgrid(lines, lines), axis=-1).reshape(-1, 2)
    grid = grid[np.linalg.norm(nearest(grid, curve) - grid, axis=1) < 3 * NOISE]
    found: dict[str, dict[float, list[float]]] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        train = spiral(rng.uniform(size=count))[0]
        denoising, plain = (trained(train, noise, seed, epochs) for noise in (NOISE, 0.0))
        methods = {
            "denoising autoencoder": lambda x, network=denoising: np.asarray(network(x)),
            "without noise": lambda x, network=plain: np.asarray(network(x)),
            "best denoiser": lambda x, train=train: best_denoiser(x, train, NOISE),
        }
        if seed == seeds[0]:
            draw(path, {name: method(grid) - grid for name, method in methods.items()}, grid, curve)
        for distance in DISTANCES:
            points, normals = spiral(rng.uniform(0.02, 0.98, TEST))  # without the ends of the curve
            x = points + distance * NOISE * normals * rng.choice([-1, 1], (TEST, 1))
            for name, method in methods.items():
                values = found.setdefault(name, {}).setdefault(distance, [])
                values.append(mean_cosine(method(x) - x, nearest(x, curve) - x))
    for name, by_distance in found.items():
        text = ", ".join(f"{np.mean(each):.3f} ± {np.std(each):.3f} at {key} σ" for key, each in by_distance.items())
        print(f"{name:21} mean cosine {text}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "denoiser_field.png"))
