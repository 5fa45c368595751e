"""Saves functions with all variables and tables that they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf


class Tracked(tf.Module):
    """All that a SavedModel consists of: the functions, and the variables and look-up tables that the functions use.

    Has the variables in the same lists as the model.
    """

    variables = trainable_variables = non_trainable_variables = ()  # not the properties of `tf.Module`

    def __init__(self, model: keras.Model, graphs: Mapping[str, Any], tables: Sequence[Any]) -> None:
        super().__init__()
        for name in ("variables", "trainable_variables", "non_trainable_variables"):
            # `value` is the variable of TensorFlow in a variable of Keras. Each would be saved under its own name.
            setattr(self, name, [each.value for each in getattr(model, name)])
        self.used_variables = list({id(each): each for graph in graphs.values() for each in graph.variables}.values())
        resource = tf.saved_model.experimental.TrackableResource
        descendants = tf.train.TrackableView(model).descendants()
        self.resources = [*(each for each in descendants if isinstance(each, resource)), *tables]
        for name, graph in graphs.items():
            setattr(self, name, graph)


def save(tracked: Tracked, folder: Path, graphs: Mapping[str, Any]) -> None:
    """Writes a SavedModel whose signatures are `graphs`."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # TensorFlow logs the names of temporary files
    try:
        tf.saved_model.save(tracked, str(folder), graphs)
    finally:
        logger.setLevel(level)
