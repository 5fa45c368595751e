"""Classifies digits and clothes with a deep network, with and without skip connections."""

from dataclasses import replace

from ..recipe import Recipe, Target

_CLOTHES = Recipe(
    task="classify",
    dataset="fashion_mnist",
    loss="crossentropy",
    optimizer="adamw",
    learning_rate=3e-3,
    epochs=12,
    batch_size=128,
    warmup=0.1,
    mirror=True,
    xla=False,
    hyperparameters={"filters": (24, 48, 96), "blocks": 4, "stem_stride": 2},
    targets=(Target("accuracy", 0.93, "the gallery's own aim", at_least=True),),
)
_DIGITS = replace(
    _CLOTHES,
    dataset="mnist_5k",
    epochs=15,
    batch_size=64,
    mirror=False,
    shift=True,
    hyperparameters={"filters": (8, 16, 32), "blocks": 2},
    targets=(),
)

RECIPES = {
    "mnist_5k": _DIGITS,
    "mnist_5k_plain": replace(_DIGITS, hyperparameters={**_DIGITS.hyperparameters, "skips": False}),
    "fashion_mnist": _CLOTHES,
    "fashion_mnist_plain": replace(_CLOTHES, hyperparameters={**_CLOTHES.hyperparameters, "skips": False}, targets=()),
}
