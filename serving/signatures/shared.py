"""Traces a model once for all signatures of a SavedModel."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class Shared:
    """A model whose calls in graphs share one `tf.function`.

    Without this class, each signature would have its own copy of the model's graph: the export and every load of the
    SavedModel would take several times as long. All attributes are the attributes of the model.

    Args:
        model: the model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._function = tf.function(lambda x: model(x, training=False), autograph=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, x: Any, training: bool = False) -> Any:
        values = keras.tree.flatten(x)
        # A function would lose the masks, which are attributes of the tensors.
        if training or tf.executing_eagerly() or not all(tf.is_tensor(each) and not _has_mask(each) for each in values):
            return self._model(x, training=training)
        # A call of the `tf.function` itself would trace the model twice.
        return self._function.get_concrete_function(x)(x)


def _has_mask(tensor: Any) -> bool:
    return getattr(tensor, "_keras_mask", None) is not None
