"""Generates digits. The training images are binarised at random, anew in each epoch.

The recipe `mnist` is for comparison with a published result.
"""

from dataclasses import replace

from ..recipe import Recipe, Target

_DIGITS = Recipe(
    task="generate",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    learning_rate=1e-3,
    epochs=60,
    batch_size=32,
    binarize=True,
)

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist_5k_plane": replace(_DIGITS, hyperparameters={"code_dim": 2}),
    "mnist_5k_convolutional": replace(
        _DIGITS,
        epochs=30,
        xla=False,
        hyperparameters={"network": "convolutional", "filters": (16, 32), "activation": "relu"},
    ),
    "mnist": replace(
        _DIGITS,
        dataset="mnist",
        warmup=0.02,
        epochs=250,
        batch_size=200,
        hyperparameters={"hidden": (400, 400)},
        targets=(
            Target("nll", 86.35, "repository nbip/IWAE on GitHub, k = 1 (Burda et al. 2015, IWAE, table 1, has 86.76)"),
        ),
    ),
}
