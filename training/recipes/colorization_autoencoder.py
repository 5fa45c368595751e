"""Colours for patches of photographs.

Few epochs for `photographs`: its patches overlap, so that held-out ones cannot tell when others are learnt by heart.
"""

from ..recipe import Recipe

RECIPES = {
    "photographs": Recipe(
        task="colorize",
        dataset="photographs",
        loss="squared_error",
        learning_rate=5e-4,
        epochs=4,
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
