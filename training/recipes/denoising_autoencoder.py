"""Gaussian noise, σ 0.4, off 4,000 digits."""

from ..recipe import Recipe

RECIPE = Recipe(
    task="denoise",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    optimizer="adam",
    learning_rate=4e-3,
    schedule="cosine",
    epochs=30,
    batch_size=32,
    expected={
        "psnr_noisy": (11.00, 0.0),
        "psnr_denoised": (20.03, 0.01),
        "psnr_lift": (9.03, 0.01),
        "denoise_mse": (0.01099, 0.00001),
        "pca_denoise_mse": (0.02791, 0.0),
        "mse": (0.00816, 0.00008),
        "pca_mse": (0.01735, 0.0),
    },
    seconds=63,
    command="gallery train denoising_autoencoder",
)
