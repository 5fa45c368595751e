"""Reconstructs digits and clothes.

`mnist_5k` trains a small network quickly. The other recipes are for comparison with published results.
"""

from ..recipe import Recipe, Target

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=3e-3,
        epochs=30,
        batch_size=32,
        hyperparameters={"filters": (16, 32)},
        xla=False,
    ),
    "fashion_mnist": Recipe(
        task="reconstruct",
        dataset="fashion_mnist",
        loss="squared_error",
        learning_rate=2e-3,
        warmup=0.05,
        epochs=30,
        batch_size=128,
        xla=False,
        targets=(Target("mse", 0.0121, "Hands-On Machine Learning, 3rd edition, chapter 17 (validation)"),),
    ),
    "mnist_maps": Recipe(
        task="reconstruct",
        dataset="mnist",
        loss="binary_crossentropy",
        learning_rate=3e-3,
        epochs=10,
        batch_size=128,
        hyperparameters={"filters": (32, 32), "code": "maps"},
        xla=False,
        targets=(Target("bce", 0.0622, "keras.io, Convolutional autoencoder, 28,353 parameters"),),
    ),
}
