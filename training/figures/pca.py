"""Principal component analysis (PCA), the baseline for autoencoders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from ..data.chunks import chunks

MOST_VALUES = 4_096  # of an image whose covariance matrix is computed
MOST_IMAGES = 2_000  # of larger images
MOST_BYTES = 96 << 20  # of larger images


class Components:
    """The principal components of a set of images.

    With fewer images than values of an image, the components are computed from the products of the images, which is
    faster than the covariance matrix. If an image has more than 4,096 values, the covariance matrix would be too large,
    and the components are computed from at most 2,000 images that have at most 96 MB together.

    Args:
        images: float32 `(n, height, width, channels)`.

    Attributes:
        used: number of images that the components are computed from.
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        flat = images.reshape(len(images), -1)
        self.used = len(flat)
        if flat.shape[1] > MOST_VALUES or len(flat) < flat.shape[1]:
            if flat.shape[1] > MOST_VALUES:
                self.used = min(len(flat), MOST_IMAGES, max(2, MOST_BYTES // flat[0].nbytes))
            self.mean, self.axes = _of_few(flat[:: max(1, len(flat) // self.used)][: self.used])
            return
        pca = PCA(svd_solver="covariance_eigh").fit(flat)
        self.mean = np.asarray(pca.mean_, np.float32)  # (features,)
        self.axes = np.asarray(pca.components_, np.float32)  # (components, features), in order of variance

    @classmethod
    def of(cls, mean: NDArray[np.float32], axes: NDArray[np.float32]) -> Components:
        """Returns components that were computed before."""
        components = cls.__new__(cls)
        components.used, components.mean, components.axes = 0, mean, axes
        return components

    def encode(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """Returns the coordinates of images along the first `code_dim` components, `(n, code_dim)`.

        If there are fewer components, returns the coordinates along all components.
        """
        flat, axes = images.reshape(len(images), -1), self.axes[:code_dim].T
        return np.concatenate([np.asarray((flat[some] - self.mean) @ axes) for some in chunks(flat)])

    def reconstruct(self, images: NDArray[np.float32], code_dim: int) -> NDArray[np.float32]:
        """Reconstructs images from their coordinates along the first `code_dim` components."""
        flat = np.asarray(self.encode(images, code_dim) @ self.axes[:code_dim], np.float32)
        flat += self.mean
        return flat.reshape(images.shape)


def _of_few(flat: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the mean and the components of few long vectors `(n, values)`, from the n × n matrix of their products.

    If X v = λ v for the products X = C Cᵀ of the centred vectors C, then Cᵀ v / √λ is a component.
    """
    mean = flat.mean(axis=0)
    centred = flat - mean
    values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    is_used = values > values[-1] * len(flat) * np.finfo(np.float32).eps
    vectors = (vectors[:, is_used] / np.sqrt(values[is_used]))[:, ::-1]
    return mean, np.asarray(vectors.T.astype(np.float32) @ centred)
