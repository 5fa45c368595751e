"""Reconstructs digits with the two examples of the lecture notes: linear units, and sigmoid units."""

from dataclasses import replace

from ..recipe import Recipe

_LINEAR = Recipe(
    task="reconstruct",
    dataset="mnist_5k",
    loss="squared_error",
    learning_rate=3e-3,
    epochs=60,
    batch_size=64,
)

RECIPES = {
    "mnist_5k": _LINEAR,
    "mnist_5k_sigmoid": replace(
        _LINEAR,
        loss="binary_crossentropy",
        learning_rate=1e-2,
        batch_size=32,
        hyperparameters={"activation": "sigmoid", "use_bias": True},
    ),
}
