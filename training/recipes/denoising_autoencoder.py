"""Removes Gaussian, masking, and salt-and-pepper noise from digits.

The recipe `mnist` is for comparison with a published result.
"""

from dataclasses import replace

from ..recipe import Recipe, Target

_GAUSSIAN = Recipe(
    task="denoise",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    learning_rate=4e-3,
    epochs=30,
    batch_size=32,
    xla=False,
)

RECIPES = {
    "mnist_5k": _GAUSSIAN,
    "mnist_5k_masking": replace(_GAUSSIAN, hyperparameters={"noise": "masking", "noise_level": 0.5}),
    "mnist_5k_salt_and_pepper": replace(_GAUSSIAN, hyperparameters={"noise": "salt_and_pepper", "noise_level": 0.3}),
    "mnist_5k_dense": replace(_GAUSSIAN, xla=True, hyperparameters={"network": "dense", "code_dim": 64}),
    "mnist": replace(
        _GAUSSIAN,
        dataset="mnist",
        learning_rate=2e-3,
        epochs=25,
        batch_size=128,
        hyperparameters={"filters": (32, 64), "code_dim": 128},
        targets=(Target("denoise_bce", 0.0839, "keras.io, Convolutional autoencoder for image denoising"),),
    ),
}
