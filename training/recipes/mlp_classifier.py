"""Classifies digits with AdamW, or with plain gradient descent."""

from dataclasses import replace

from ..recipe import Recipe

_DIGITS = Recipe(
    task="classify",
    dataset="mnist_5k",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=2e-3,
    epochs=30,
    batch_size=64,
)

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist": replace(_DIGITS, dataset="mnist", learning_rate=1e-3, epochs=20, batch_size=128),
    # The step θ ← θ − η∇θ over all examples is repeated 1,000 times.
    "digits_gradient_descent": replace(
        _DIGITS,
        dataset="digits",
        optimizer="gradient_descent",
        schedule="constant",
        learning_rate=0.5,
        epochs=1_000,
        batch_size=2_048,
        hyperparameters={"hidden": (32,), "activation": "tanh"},
    ),
}
