"""Principal component analysis (PCA), the baseline for autoencoders."""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA


class Components:
    """The principal components of a set of images.

    Args:
        images: float32 `(n, height, width, channels)`.
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        flat = images.reshape(len(images), -1)
        pca = PCA(svd_solver="covariance_eigh").fit(flat)
        self.mean = np.asarray(pca.mean_, np.float32)  # (features,)
        self.axes = np.asarray(pca.components_, np.float32)  # (components, features), in order of variance

    def encode(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """Returns the coordinates of images along the first `code_dim` components, `(n, code_dim)`.

        If there are fewer components, returns the coordinates along all components.
        """
        return np.asarray((images.reshape(len(images), -1) - self.mean) @ self.axes[:code_dim].T)

    def reconstruct(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """Reconstructs images from their coordinates along the first `code_dim` components."""
        flat = self.encode(images, code_dim) @ self.axes[:code_dim] + self.mean
        return np.asarray(flat.reshape(images.shape), np.float32)
