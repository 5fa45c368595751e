"""A code that stays where it is when the input moves."""

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
