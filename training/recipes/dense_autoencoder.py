"""One hidden layer: with the notes' sigmoid code, and with others."""

from ..recipe import Recipe

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=1e-2,
        epochs=60,
        batch_size=16,
    ),
    "mnist_5k_relu": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=4e-3,
        epochs=60,
        batch_size=32,
        hyperparameters={"code_activation": "relu"},
    ),
    "mnist": Recipe(
        task="reconstruct",
        dataset="mnist",
        loss="binary_crossentropy",
        learning_rate=5e-3,
        epochs=40,
        batch_size=64,
    ),
}
