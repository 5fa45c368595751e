"""Colours for patches of photographs."""

from ..recipe import Recipe

RECIPES = {
    "photographs": Recipe(
        task="colorize",
        dataset="photographs",
        loss="squared_error",
        learning_rate=2e-3,
        epochs=20,
        batch_size=32,
        xla=False,
    ),
    "cifar10": Recipe(
        task="colorize",
        dataset="cifar10",
        loss="squared_error",
        learning_rate=2e-3,
        epochs=20,
        batch_size=64,
        xla=False,
    ),
}
