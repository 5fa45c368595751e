"""Predicts the progression of a disease with two or eight layers. With eight layers, sigmoid units hardly learn."""

from dataclasses import replace

from ..recipe import Recipe

_TWO_LAYERS = Recipe(
    task="regress",
    dataset="diabetes",
    loss="squared_error",
    learning_rate=1e-2,
    epochs=100,
    batch_size=32,
    hyperparameters={"depth": 2},
)

RECIPES = {
    "diabetes": _TWO_LAYERS,
    "diabetes_deep": replace(_TWO_LAYERS, hyperparameters={"depth": 8}),
    "diabetes_deep_tanh": replace(_TWO_LAYERS, hyperparameters={"depth": 8, "activation": "tanh"}),
}
