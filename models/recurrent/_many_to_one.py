"""The layers before and after the recurrent layer of a regression network."""

from typing import Any

import keras
from keras import layers


def many_to_one(recurrent: Any, features: int, outputs: int, name: str) -> keras.Model:
    """Returns a model that predicts values from the last state of a recurrent layer.

    The model maps sequences `(batch, time, features)` to values `(batch, outputs)` in the units of the targets.
    """
    sequence = keras.Input((None, features), name="sequence")
    x = layers.Normalization(name="normalization")(sequence)
    h = recurrent(x)  # (batch, time, features) -> (batch, units)
    y = layers.Dense(outputs, name="output")(h)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(sequence, y, name=name)
