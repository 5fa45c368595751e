"""What a bottleneck can and cannot do: independent values do not compress, correlated ones do.

    python examples/compression.py

Two sets of 20 Gaussian values an example: independent ones, and mixtures of 5 independent ones with a little
noise. A linear autoencoder with a code of 5 learns each; printed is the share of the test variance that it
loses, beside PCA's (notes 003, "Bottlenecks"). Independent values lose what does not fit: 15 of 20.
"""

from __future__ import annotations

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.training.figures.pca import Components

VALUES, CODE, EXAMPLES = 20, 5, 5_000


def data(correlated: bool, rng: np.random.Generator) -> np.ndarray:
    """Float32 `(EXAMPLES, VALUES, 1, 1)`, each value with a variance of about 1."""
    x = rng.standard_normal((EXAMPLES, VALUES))
    if correlated:
        mixing = rng.standard_normal((CODE, VALUES)) / np.sqrt(CODE)
        x = rng.standard_normal((EXAMPLES, CODE)) @ mixing + 0.1 * x
    return x.astype(np.float32).reshape(-1, VALUES, 1, 1)


def lost(x: np.ndarray, rebuilt: np.ndarray) -> float:
    """The share of the variance that is gone."""
    return float(np.sum((rebuilt - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2))


def main() -> dict[str, tuple[float, float]]:
    found = {}
    for kind in ("independent", "correlated"):
        x = data(kind == "correlated", np.random.default_rng(0))
        train, test = x[: EXAMPLES * 4 // 5], x[EXAMPLES * 4 // 5 :]
        keras.utils.set_random_seed(0)
        model = create("linear_autoencoder", image_shape=x.shape[1:], code_dim=CODE)
        model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 2_500)), SquaredError())
        model.fit(train, train, batch_size=64, epochs=40, verbose=0)
        ours = lost(test, model.predict(test, verbose=0))
        found[kind] = ours, lost(test, Components(train).reconstruct(test, CODE))
        print(f"{kind:12} values: {found[kind][0]:.3f} of the variance lost, PCA {found[kind][1]:.3f}")
    return found


if __name__ == "__main__":
    main()
