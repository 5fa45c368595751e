"""Colours patches of photographs, or the images of CIFAR-10.

`photographs` needs few epochs: its patches overlap, so the validation loss does not show overfitting.
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
