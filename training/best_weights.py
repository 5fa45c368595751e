"""The one callback of the training."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from .errors import Diverged


class BestWeights(keras.callbacks.Callback):
    """Remembers the weights of the epoch with the least validation loss; stops a training that diverged.

    Attributes:
        weights: of the best epoch; None before the first epoch has ended.
        epoch: the best epoch, from 1.
        history: each epoch's `loss` and `val_loss`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Any] | None = None
        self.epoch = 0
        self.history: dict[str, list[float]] = {"loss": [], "val_loss": []}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        losses = {name: float((logs or {})[name]) for name in self.history}
        if not all(math.isfinite(loss) for loss in losses.values()):
            raise Diverged(
                f"Expected a finite loss; a smaller learning rate may help. "
                f"Received: {losses['loss']} in epoch {epoch + 1}."
            )
        if losses["val_loss"] < min(self.history["val_loss"], default=math.inf):
            self.weights = self.model.get_weights()
            self.epoch = epoch + 1
        for name, loss in losses.items():
            self.history[name].append(loss)
