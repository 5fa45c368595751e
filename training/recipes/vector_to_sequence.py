"""Writes the name of a handwritten digit, letter by letter."""

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
}
