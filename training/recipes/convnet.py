"""Classifies handwritten digits."""

from dataclasses import replace

from ..recipe import Recipe, Target

_DIGITS = Recipe(
    task="classify",
    dataset="mnist_5k",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=2e-3,
    epochs=20,
    batch_size=64,
    shift=True,
    xla=False,
)

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist": replace(
        _DIGITS,
        dataset="mnist",
        epochs=8,
        batch_size=128,
        targets=(Target("accuracy", 0.9913, "Deep Learning with Python, 1st edition, 5.1", at_least=True),),
    ),
}
