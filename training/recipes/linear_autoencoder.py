"""Finds the PCA subspace of digits by gradient descent."""

from ..recipe import Recipe

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="squared_error",
        learning_rate=3e-3,
        epochs=300,
        batch_size=64,
    ),
}
