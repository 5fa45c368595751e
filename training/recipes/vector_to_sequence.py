"""Writes the name of a handwritten digit, letter by letter, or a sentence about several digits."""

from ..recipe import Recipe

RECIPES = {
    "digit_names": Recipe(
        task="caption",
        dataset="digit_names",
        loss="crossentropy",
        learning_rate=3e-3,
        epochs=15,
        batch_size=64,
        clipnorm=1.0,
        xla=False,
    ),
    "digit_scenes": Recipe(
        task="caption",
        dataset="digit_scenes",
        loss="crossentropy",
        learning_rate=2e-3,
        epochs=20,
        batch_size=64,
        clipnorm=1.0,
        xla=False,
        hyperparameters={"filters": (16, 32, 64), "embedding_dim": 32, "units": 128},
    ),
}
