"""Classifies persons by their party preference (seven classes), or classifies digits."""

from dataclasses import replace

from ..recipe import Recipe

_PARTY = Recipe(
    task="classify",
    dataset="party",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=2e-3,
    epochs=60,
    batch_size=32,
)

RECIPES = {
    "party": _PARTY,
    "digits": replace(_PARTY, dataset="digits", hyperparameters={"hidden": 128}),
}
