"""Predicts the digit, or the background, of each pixel in images with several digits."""

from ..recipe import Recipe

RECIPES = {
    "digit_masks": Recipe(
        task="segment",
        dataset="digit_masks",
        loss="crossentropy",
        optimizer="adamw",
        learning_rate=3e-3,
        epochs=12,
        batch_size=64,
        xla=False,
        hyperparameters={"filters": (16, 16, 32, 64)},
    ),
}
