"""Both patterns of blocks: one convolution before each pooling, and two."""

from dataclasses import replace

from ..recipe import Recipe

_ONE = Recipe(
    task="classify",
    dataset="mnist_5k",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=2e-3,
    epochs=20,
    batch_size=64,
    shift=True,
    xla=False,
)

RECIPES = {
    "mnist_5k": _ONE,
    "mnist_5k_twice": replace(_ONE, hyperparameters={"filters": (16, 32), "convolutions": 2}),
}
