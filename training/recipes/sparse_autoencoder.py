"""Reconstructs digits from a sparse code of 100 units, with a KL or an L1 penalty."""

from dataclasses import replace

from ..recipe import Recipe

_KL = Recipe(
    task="reconstruct",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    optimizer="adamw",
    learning_rate=5e-3,
    epochs=60,
    batch_size=64,
)

RECIPES = {
    "mnist_5k": _KL,
    "mnist_5k_full_pass": replace(_KL, hyperparameters={"estimate": "full_pass"}),
    "mnist_5k_full_pass_each_step": replace(_KL, hyperparameters={"estimate": "full_pass_each_step"}),
    "mnist_5k_tanh": replace(_KL, hyperparameters={"code_activation": "tanh"}),
    "mnist_5k_l1": replace(_KL, hyperparameters={"penalty": "l1", "weight": 0.5}),
}
