"""One unit a layer: deep, and soon hard to teach under sigmoid."""

from dataclasses import replace

from ..recipe import Recipe

_TWO = Recipe(
    task="regress",
    dataset="diabetes",
    loss="squared_error",
    learning_rate=1e-2,
    epochs=100,
    batch_size=32,
    hyperparameters={"depth": 2},
)

RECIPES = {
    "diabetes": _TWO,
    "diabetes_deep": replace(_TWO, hyperparameters={"depth": 8}),
    "diabetes_deep_tanh": replace(_TWO, hyperparameters={"depth": 8, "activation": "tanh"}),
}
