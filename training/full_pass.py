"""The callback that computes mean activations over the training set, for the KL sparsity penalty."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..models.layers.kl_sparsity import KLSparsity
from .devices import device_count

CHUNK = 5_000  # number of images in a prediction


class FullPass(keras.callbacks.Callback):
    """Computes the mean activations over all training images, and sets them in the `KLSparsity` layer.

    As in the lecture notes (003), the estimate `full_pass_each_step` computes the means before each step, with the
    weights of this step. The means change little from one step to the next, so the estimate `full_pass` computes them
    only before the first step of each epoch and then every few steps.

    Args:
        images: all training images.
        steps: number of steps from one computation to the next with the estimate `full_pass`.
    """

    def __init__(self, images: NDArray[np.float32], steps: int = 20) -> None:
        super().__init__()
        self.images = images
        self.steps = steps
        self.next_pass = 0  # number of the step in this epoch before which the means are computed next

    def on_train_begin(self, logs: Any = None) -> None:
        encoder = self.model.get_layer("encoder")
        self.images = self.images[: len(self.images) - len(self.images) % device_count()]
        self.chunk = CHUNK // device_count() * device_count()
        self.hidden = keras.Model(encoder.input, encoder.get_layer("code").output)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.next_pass = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch < self.next_pass:
            return
        layer = sparsity_of(self.model)
        assert layer is not None
        self.next_pass = batch + (1 if layer.estimate == "full_pass_each_step" else self.steps)
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # during `fit`, JAX keeps the current weights outside of the model
        starts = range(0, len(self.images), self.chunk)
        layer.set_mean_activation(
            np.concatenate([self.hidden.predict_on_batch(self.images[start : start + self.chunk]) for start in starts])
        )


def sparsity_of(model: keras.Model) -> KLSparsity | None:
    """Returns the model's `KLSparsity` layer with an estimate over all training images, or None if it has none."""
    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, KLSparsity) and layer.estimate != "batch":
            return layer
    return None
