"""Colours patches of photographs, or the images of CIFAR-10.

The recipe `photographs` has few epochs, because the validation loss does not show overfitting: patches of the training
and the validation split overlap.
"""

from dataclasses import replace

from ..recipe import Recipe

_PHOTOGRAPHS = Recipe(
    task="colorize",
    dataset="photographs",
    loss="squared_error",
    learning_rate=5e-4,
    epochs=4,
    batch_size=32,
    xla=False,
)

RECIPES = {
    "photographs": _PHOTOGRAPHS,
    "cifar10": replace(_PHOTOGRAPHS, dataset="cifar10", learning_rate=2e-3, epochs=20, batch_size=64),
}
