"""The two ends that every feed-forward network has: its input, and its hidden layers."""

from typing import Any

import keras
from keras import layers

from ..errors import BadHyperparameter


def flat_input(input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The input for vectors or images, and its values as a vector `(batch, values)`."""
    if len(input_shape) == 1:
        features = keras.Input(input_shape, name="features")
        return features, features
    if len(input_shape) == 3:
        image = keras.Input(input_shape, name="image")
        return image, layers.Flatten(name="flatten")(image)
    raise BadHyperparameter(
        f"Expected input_shape to be a number of features, or height, width and channels. Received: {input_shape}."
    )


def hidden_layers(x: Any, units: tuple[int, ...], activation: str) -> Any:
    """Dense layers in a row, the last one named `embedding`."""
    for depth, count in enumerate(units, 1):
        name = "embedding" if depth == len(units) else f"hidden_{depth}"
        x = layers.Dense(count, activation=activation, name=name)(x)  # (batch, count)
    return x
