"""Detects digits in images with several digits."""

from ..recipe import Recipe

RECIPES = {
    "digit_boxes": Recipe(
        task="detect",
        dataset="digit_boxes",
        loss="crossentropy",
        optimizer="adamw",
        learning_rate=3e-3,
        epochs=15,
        batch_size=64,
        xla=False,
    ),
}
