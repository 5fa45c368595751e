"""One hidden layer: with the notes' sigmoid code, and with others."""

from ..recipe import Recipe

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        optimizer="adamw",
        learning_rate=1e-2,
        epochs=60,
        batch_size=16,
    ),
    "mnist_5k_relu": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        optimizer="adamw",
        learning_rate=4e-3,
        epochs=60,
        batch_size=32,
        hyperparameters={"code_activation": "relu"},
    ),
}
