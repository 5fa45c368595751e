"""Classifies digits as sequences of pixels, with and without the convolution."""

from dataclasses import replace

from ..recipe import Recipe

_DIGITS = Recipe(
    task="classify",
    dataset="digit_sequences",
    loss="crossentropy",
    learning_rate=3e-3,
    epochs=50,
    batch_size=64,
    clipnorm=1.0,
    hyperparameters={"units": 64},
)

RECIPES = {
    "digit_sequences": _DIGITS,
    "digit_sequences_gru": replace(_DIGITS, hyperparameters={"units": 64, "convolution": False}),
}
