"""The callback that computes mean activations over the training set, for the KL sparsity penalty."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..models.layers.kl_sparsity import KLSparsity

CHUNK = 5_000  # images


class FullPass(keras.callbacks.Callback):
    """Sets the mean activations of a model's `KLSparsity` layer from all training images, every few steps.

    In the notes each step uses the whole training set, and the mean is computed before each step. Here a step uses a
    batch, and the mean changes little from one step to the next.

    Args:
        images: all training images.
        steps: number of steps between two passes. The first pass is before the first step of each epoch.
    """

    def __init__(self, images: NDArray[np.float32], steps: int = 20) -> None:
        super().__init__()
        self.images = images
        self.steps = steps
        self.next_pass = 0  # step of the epoch

    def on_train_begin(self, logs: Any = None) -> None:
        encoder = self.model.get_layer("encoder")
        self.hidden = keras.Model(encoder.input, encoder.get_layer("code").output)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.next_pass = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch < self.next_pass:
            return
        self.next_pass = batch + self.steps
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # during `fit` the current weights are not in the model
        layer = sparsity_of(self.model)
        assert layer is not None
        starts = range(0, len(self.images), CHUNK)
        layer.set_mean_activation(
            np.concatenate([self.hidden.predict_on_batch(self.images[start : start + CHUNK]) for start in starts])
        )


def sparsity_of(model: keras.Model) -> KLSparsity | None:
    """Returns the model's `KLSparsity` layer that needs full passes, or None if it has none."""
    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, KLSparsity) and layer.estimate == "full_pass":
            return layer
    return None
