"""What comes before and after the recurrent layer of a regressor: a sequence in, its last state to values."""

from typing import Any

import keras
from keras import layers


def many_to_one(recurrent: Any, features: int, outputs: int, name: str) -> keras.Model:
    """A sequence `(batch, time, features)` to values `(batch, outputs)` by the last state, each in its own units."""
    sequence = keras.Input((None, features), name="sequence")
    x = layers.Normalization(name="normalization")(sequence)
    h = recurrent(x)  # (batch, time, features) -> (batch, units)
    y = layers.Dense(outputs, name="output")(h)
    y = layers.Normalization(invert=True, name="prediction")(y)
    return keras.Model(sequence, y, name=name)
