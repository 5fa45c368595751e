"""Classifies film reviews as positive or negative; finds the stressed syllable of a word from its letters."""

from dataclasses import replace

from ..recipe import Recipe

_STRESS = Recipe(
    task="classify_text",
    dataset="stress",
    loss="crossentropy",
    learning_rate=3e-3,
    epochs=10,
    batch_size=256,
    clipnorm=1.0,
    hyperparameters={"units": 64, "bidirectional": True},
)
_REVIEWS = replace(
    _STRESS,
    dataset="reviews",
    learning_rate=1e-3,
    epochs=5,
    batch_size=64,
    hyperparameters={"bidirectional": True, "dropout": 0.5},
)

RECIPES = {
    "imdb": replace(_REVIEWS, dataset="imdb", epochs=4),
    "reviews": _REVIEWS,
    "stress": _STRESS,
}
