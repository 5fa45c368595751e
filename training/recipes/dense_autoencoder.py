"""One hidden layer on 4,000 digits. With its sigmoid code it stays behind PCA of the same size, here."""

from ..recipe import Recipe

RECIPE = Recipe(
    task="reconstruct",
    dataset="mnist_5k",
    loss="binary_crossentropy",
    optimizer="adam",
    learning_rate=1e-2,
    schedule="cosine",
    epochs=30,
    batch_size=8,
    expected={
        "mse": (0.01907, 0.00014),
        "pca_mse": (0.01735, 0.0),
        "psnr": (17.73, 0.04),
        "bce": (0.1224, 0.0004),
    },
    seconds=42,
    command="gallery train dense_autoencoder",
)
