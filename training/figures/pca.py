"""Principal components, the yardstick beside every autoencoder."""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA


class Components:
    """All principal components of a set of images.

    Args:
        images: float32 `(n, height, width, channels)`.
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        flat = images.reshape(len(images), -1)
        pca = PCA(svd_solver="covariance_eigh").fit(flat)
        self.mean = np.asarray(pca.mean_, np.float32)  # (features,)
        self.axes = np.asarray(pca.components_, np.float32)  # (components, features), the first first

    def encode(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """The first `code_dim` coordinates, or as many as there are: `(n, code_dim)`."""
        return np.asarray((images.reshape(len(images), -1) - self.mean) @ self.axes[:code_dim].T)

    def reconstruct(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """`images`, projected on the first `code_dim` components, and back."""
        flat = self.encode(images, code_dim) @ self.axes[:code_dim] + self.mean
        return np.asarray(flat.reshape(images.shape), np.float32)
