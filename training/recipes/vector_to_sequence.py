"""Writes the name of a handwritten digit, letter by letter, or a sentence about several digits."""

from dataclasses import replace

from ..recipe import Recipe

_DIGIT_NAMES = Recipe(
    task="caption",
    dataset="digit_names",
    loss="crossentropy",
    learning_rate=3e-3,
    epochs=15,
    batch_size=64,
    clipnorm=1.0,
    xla=False,
)

RECIPES = {
    "digit_names": _DIGIT_NAMES,
    "digit_names_every_step": replace(_DIGIT_NAMES, hyperparameters={"feed": "every_step"}),
    "digit_scenes": replace(
        _DIGIT_NAMES,
        dataset="digit_scenes",
        learning_rate=2e-3,
        epochs=20,
        hyperparameters={"filters": (16, 32, 64), "embedding_dim": 32, "units": 128},
    ),
}
