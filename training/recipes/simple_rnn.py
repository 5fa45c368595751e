"""Adds the two marked numbers in a long sequence: with tanh, with ReLU, or with ReLU and identity initialisation."""

from dataclasses import replace

from ..recipe import Recipe

_ADDING = Recipe(
    task="regress",
    dataset="adding",
    loss="squared_error",
    learning_rate=1e-3,
    epochs=10,
    batch_size=64,
    clipnorm=1.0,
)

RECIPES = {
    "adding": _ADDING,
    "adding_relu": replace(_ADDING, hyperparameters={"activation": "relu"}),
    "adding_identity": replace(_ADDING, hyperparameters={"activation": "relu", "recurrent_initializer": "identity"}),
}
