"""The pass over the training set that a sparsity penalty can ask for."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..models.layers.kl_sparsity import KLSparsity

PIECE = 5_000


class FullPass(keras.callbacks.Callback):
    """Tells a model's `KLSparsity` its mean activations over the training images, every few steps.

    The notes do so before each step, which then is one over the whole training set; with steps over batches
    the mean changes little from one to the next.

    Args:
        images: all training images.
        steps: between two passes; the first is before the first step.
    """

    def __init__(self, images: NDArray[np.float32], steps: int = 20) -> None:
        super().__init__()
        self.images = images
        self.steps = steps
        self.due = 0

    def on_train_begin(self, logs: Any = None) -> None:
        encoder = self.model.get_layer("encoder")
        self.hidden = keras.Model(encoder.input, encoder.get_layer("code").output)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.due = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch < self.due:
            return
        self.due = batch + self.steps
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # the weights live in fit until then
        layer = sparsity_of(self.model)
        assert layer is not None
        pieces = range(0, len(self.images), PIECE)
        layer.set_mean_activation(
            np.concatenate([self.hidden.predict_on_batch(self.images[start : start + PIECE]) for start in pieces])
        )


def sparsity_of(model: keras.Model) -> KLSparsity | None:
    """The model's layer that wants full passes, if there is one."""
    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, KLSparsity) and layer.estimate == "full_pass":
            return layer
    return None
