"""Reconstructs digits and clothes with deep networks.

`mnist_5k` trains a small network quickly. The other recipes are for comparison with published results.
"""

from dataclasses import replace

from ..recipe import Recipe, Target

_HANDS_ON = "Hands-On Machine Learning, 3rd edition, chapter 17 (validation)"
_CLOTHES = Recipe(
    task="reconstruct",
    dataset="fashion_mnist",
    loss="squared_error",
    optimizer="adamw",
    learning_rate=1e-3,
    warmup=0.05,
    epochs=30,
    batch_size=128,
    targets=(Target("mse", 0.0132, _HANDS_ON),),
)

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=1e-3,
        epochs=40,
        batch_size=32,
        hyperparameters={"hidden": (256, 128)},
    ),
    "mnist": Recipe(
        task="reconstruct",
        dataset="mnist",
        loss="squared_error",
        optimizer="adamw",
        learning_rate=1e-3,
        warmup=0.05,
        epochs=60,
        batch_size=128,
        shift=True,
        targets=(Target("squared_error", 3.00, "Hinton and Salakhutdinov 2006, 784-1000-500-250-30"),),
    ),
    "fashion_mnist": _CLOTHES,
    "fashion_mnist_tied": replace(
        _CLOTHES, hyperparameters={"tied": True}, targets=(Target("mse", 0.0133, _HANDS_ON),)
    ),
}
