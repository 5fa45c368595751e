"""The input and the hidden layers of the feed-forward networks."""

from typing import Any

import keras
from keras import layers

from ..errors import BadHyperparameter


def flat_input(input_shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Returns the input layer for feature vectors or images, and the flattened input `(batch, values)`.

    Raises:
        BadHyperparameter: `input_shape` has neither 1 nor 3 numbers.
    """
    if len(input_shape) == 1:
        features = keras.Input(input_shape, name="features")
        return features, features
    if len(input_shape) == 3:
        image = keras.Input(input_shape, name="image")
        return image, layers.Flatten(name="flatten")(image)
    raise BadHyperparameter(
        f"Expected input_shape to have 1 number (features) or 3 (height, width, channels). Received: {input_shape}."
    )


def hidden_layers(x: Any, units: tuple[int, ...], activation: str) -> Any:
    """Applies a stack of dense layers. The last layer is named `embedding`."""
    for depth, count in enumerate(units, 1):
        name = "embedding" if depth == len(units) else f"hidden_{depth}"
        x = layers.Dense(count, activation=activation, name=name)(x)  # (batch, count)
    return x
