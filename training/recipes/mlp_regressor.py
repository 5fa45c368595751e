"""Predicts the progression of a disease with Adam, or with plain gradient descent; predicts three political ratings."""

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
    # The step θ ← θ − η∇θ over all examples is repeated 1,000 times. The loss is not normalised, so η must be small.
    "diabetes_gradient_descent": replace(
        _ADAM,
        optimizer="gradient_descent",
        schedule="constant",
        learning_rate=1e-5,
        epochs=1_000,
        batch_size=1_024,
    ),
    "ratings": replace(_ADAM, dataset="ratings", epochs=60),
}
