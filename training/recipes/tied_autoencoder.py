"""The notes' two examples: linear, and with the same nonlinear function twice."""

from ..recipe import Recipe

RECIPES = {
    "mnist_5k": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="squared_error",
        learning_rate=3e-3,
        epochs=60,
        batch_size=64,
    ),
    "mnist_5k_sigmoid": Recipe(
        task="reconstruct",
        dataset="mnist_5k",
        loss="binary_crossentropy",
        learning_rate=1e-2,
        epochs=60,
        batch_size=32,
        hyperparameters={"activation": "sigmoid", "use_bias": True},
    ),
}
