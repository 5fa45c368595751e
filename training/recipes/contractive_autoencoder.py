"""Reconstructs digits with a code that hardly changes if the image changes slightly."""

from ..recipe import Recipe

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=1e-2,
        epochs=60,
        batch_size=16,
    ),
}
