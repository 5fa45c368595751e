"""Predicts the progression of a disease from ten measurements, also by plain gradient descent."""

from dataclasses import replace

from ..recipe import Recipe

_ADAM = Recipe(
    task="regress",
    dataset="diabetes",
    loss="squared_error",
    learning_rate=1e-3,
    epochs=100,
    batch_size=32,
    hyperparameters={"hidden": (16,), "activation": "tanh"},
)

RECIPES = {
    "diabetes": _ADAM,
    # θ ← θ − η∇θ over all examples, 1,000 times. The squared error is in the target's own units, so η must be small.
    "diabetes_gradient_descent": replace(
        _ADAM,
        optimizer="gradient_descent",
        schedule="constant",
        learning_rate=1e-5,
        epochs=1_000,
        batch_size=1_024,
    ),
}
