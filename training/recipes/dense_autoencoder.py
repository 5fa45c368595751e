"""Reconstructs digits from a code with a sigmoid activation, as in the lecture notes, or with ReLU."""

from dataclasses import replace

from ..recipe import Recipe

_SIGMOID = Recipe(
    task="reconstruct",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    optimizer="adamw",
    learning_rate=1e-2,
    epochs=60,
    batch_size=16,
)

RECIPES = {
    "mnist_5k": _SIGMOID,
    "mnist_5k_relu": replace(_SIGMOID, learning_rate=4e-3, batch_size=32, hyperparameters={"code_activation": "relu"}),
}
