"""Writes the sum of two numbers in a text such as "57+931", a date in Hungarian, or the pronunciation of a word."""

from dataclasses import replace

from ..recipe import Recipe, Target

_ADDITION = Recipe(
    task="translate",
    dataset="addition",
    loss="crossentropy",
    learning_rate=3e-3,
    epochs=60,
    batch_size=128,
    warmup=0.1,
    clipnorm=1.0,
    xla=False,
    targets=(Target("text_error", 0.01, "Keras's example addition_rnn"),),
)

RECIPES = {
    "addition": _ADDITION,
    "dates": replace(_ADDITION, dataset="dates", epochs=20, targets=()),
    "pronunciations": replace(
        _ADDITION,
        dataset="pronunciations",
        epochs=18,
        batch_size=256,
        hyperparameters={"units": 384, "embedding_dim": 64, "dropout": 0.3},
        targets=(
            Target("token_error", 0.0763, "Yao and Zweig 2015, encoder-decoder LSTM"),
            Target("text_error", 0.2861, "Yao and Zweig 2015, encoder-decoder LSTM"),
        ),
    ),
}
