"""Reconstructs digits with a code that is larger than the image, with each regulariser and without a regulariser."""

from dataclasses import replace

from ..recipe import Recipe

_MASKED = Recipe(
    task="reconstruct",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    learning_rate=2e-3,
    epochs=30,
    batch_size=32,
)

RECIPES = {
    "mnist_5k": _MASKED,
    "mnist_5k_unregularised": replace(
        _MASKED,
        loss="squared_error",
        epochs=100,
        hyperparameters={"regularizer": "none", "code_activation": "linear", "output_activation": "linear"},
    ),
    "mnist_5k_l1": replace(_MASKED, hyperparameters={"regularizer": "l1", "weight": 0.3, "code_activation": "relu"}),
    "mnist_5k_kl": replace(_MASKED, hyperparameters={"regularizer": "kl", "weight": 1.0}),
    "mnist_5k_contractive": replace(_MASKED, hyperparameters={"regularizer": "contractive", "weight": 1.0}),
}
