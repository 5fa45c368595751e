"""Finds the phonemes that each letter of a word stands for."""

from dataclasses import replace

from ..recipe import Recipe

_LETTER_PHONEMES = Recipe(
    task="tag",
    dataset="letter_phonemes",
    loss="crossentropy",
    learning_rate=3e-3,
    epochs=8,
    batch_size=256,
    clipnorm=1.0,
    xla=False,
    hyperparameters={"units": 128, "bidirectional": True},
)

RECIPES = {
    "letter_phonemes": _LETTER_PHONEMES,
    # The tag of a letter depends on this letter and on the letters before it, so that words can be read letter by
    # letter.
    "letter_phonemes_forward": replace(_LETTER_PHONEMES, hyperparameters={"units": 128}),
}
