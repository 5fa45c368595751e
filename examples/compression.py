"""Shows that an autoencoder's bottleneck can compress correlated values, but not independent values.

    python examples/compression.py

Two data sets have 20 Gaussian values per example. In the first data set, the values are independent. In the second,
the values are mixtures of 5 independent values with a little noise. A linear autoencoder with a code of 5 values is
trained on each data set. The program prints the fraction of the test variance that the autoencoder loses, and the
fraction that PCA loses. For independent values, the autoencoder loses about 15/20 of the variance, because only 5 of 20
values fit into the code.

Source: lecture notes 003, "Bottlenecks".
"""

from __future__ import annotations

import keras
import numpy as np
from keras_gallery.models import create
from keras_gallery.models.losses import SquaredError
from keras_gallery.training.figures.pca import Components

VALUES, CODE, EXAMPLES = 20, 5, 5_000


def data(correlated: bool, rng: np.random.Generator) -> np.ndarray:
    """Returns random examples, float32 `(EXAMPLES, VALUES, 1, 1)`. Each value has a variance of about 1."""
    x = rng.standard_normal((EXAMPLES, VALUES))
    if correlated:
        mixing = rng.standard_normal((CODE, VALUES)) / np.sqrt(CODE)
        x = rng.standard_normal((EXAMPLES, CODE)) @ mixing + 0.1 * x
    return x.astype(np.float32).reshape(-1, VALUES, 1, 1)


def lost(x: np.ndarray, rebuilt: np.ndarray) -> float:
    """Returns the fraction of the variance of `x` that its reconstruction loses."""
    return float(np.sum((rebuilt - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2))


def main() -> dict[str, tuple[float, float]]:
    losses = {}
    for kind in ("independent", "correlated"):
        x = data(kind == "correlated", np.random.default_rng(0))
        train, test = x[: EXAMPLES * 4 // 5], x[EXAMPLES * 4 // 5 :]
        keras.utils.set_random_seed(0)
        model = create("linear_autoencoder", image_shape=x.shape[1:], code_dim=CODE)
        model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.02, 1_260)), SquaredError())
        model.fit(train, train, batch_size=64, epochs=20, verbose=0)
        autoencoder = lost(test, model.predict(test, verbose=0))
        losses[kind] = autoencoder, lost(test, Components(train).reconstruct(test, CODE))
        print(f"{kind:12} values: {losses[kind][0]:.3f} of the variance lost, PCA {losses[kind][1]:.3f}")
    return losses


if __name__ == "__main__":
    main()
