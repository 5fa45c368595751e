"""The callback that keeps the weights of the best epoch."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .errors import Diverged


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the lowest validation loss.

    Raises Diverged at the end of an epoch whose training or validation loss is not finite.

    Args:
        patience: number of epochs without a lower validation loss after which the training ends; 0 for no limit.

    Attributes:
        weights: weights of the best epoch; None before the end of the first epoch.
        epoch: number of the best epoch, from 1.
        history: `loss` and `val_loss` of each epoch.
    """

    def __init__(self, patience: int = 0) -> None:
        super().__init__()
        self.patience = patience
        self.weights: list[Any] | None = None
        self.epoch = 0
        self.history: dict[str, list[float]] = {"loss": [], "val_loss": []}

    @property
    def is_early_stop(self) -> bool:
        """Whether the validation loss has not become lower for `patience` epochs."""
        return self.patience > 0 and len(self.history["loss"]) - self.epoch >= self.patience

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        losses = {name: float((logs or {})[name]) for name in self.history}
        if not all(math.isfinite(loss) for loss in losses.values()):
            remedy = "A smaller learning rate may help (--learning-rate)."
            if any(layer.compute_dtype == "float16" for layer in self.model.layers):
                remedy = (
                    f"float16 has no numbers above {np.finfo(np.float16).max:,.0f}. Use bfloat16 (--mixed-precision "
                    "bfloat16) or a smaller learning rate (--learning-rate)."
                )
            raise Diverged(f"The loss became {losses['loss']} in epoch {epoch + 1}. {remedy}")
        if losses["val_loss"] < min(self.history["val_loss"], default=math.inf):
            self.weights = self.model.get_weights()
            self.epoch = epoch + 1
        for name, loss in losses.items():
            self.history[name].append(loss)
        if self.is_early_stop:
            self.model.stop_training = True
