"""Small models that classify, predict, segment and detect; of the last two it is plain what they must answer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

Shape = tuple[int | None, ...]


def classifier(shape: Shape = (8, 8, 1), classes: int = 3, *, embedding: bool = True) -> keras.Model:
    """With random weights, large enough for one class to be likelier than the others."""
    x = keras.Input(shape, name="image" if len(shape) == 3 else "features")
    flat = layers.GlobalAveragePooling2D() if None in shape else layers.Flatten()
    h = flat(layers.Conv2D(6, 3)(x)) if len(shape) == 3 else x
    h = layers.Dense(5, activation="tanh", name="embedding" if embedding else "hidden")(h)
    large = keras.initializers.RandomNormal(stddev=3)
    head = layers.Dense(classes, activation="softmax", kernel_initializer=large, name="probabilities")
    return keras.Model(x, head(h))


def regressor(shape: Shape = (4,), k: int = 1, *, embedding: bool = True) -> keras.Model:
    """With random weights."""
    x = keras.Input(shape, name="image" if len(shape) == 3 else "features")
    h = layers.Dense(5, activation="tanh", name="embedding" if embedding else "hidden")(layers.Flatten()(x))
    return keras.Model(x, layers.Dense(k, name="prediction")(h))


def segmenter(shape: Shape = (8, 8, 1)) -> keras.Model:
    """Of two classes, the second being the background: what is brighter than a half is of the first."""
    x = keras.Input(shape, name="image")
    return keras.Model(x, layers.Concatenate(name="pixel_probabilities")([x, 1 - x]))


QUADRANTS = [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1]]


def quadrant_detector() -> keras.Model:
    """Finds those quadrants of an 8x8 image that are brighter than a half."""
    x = keras.Input((8, 8, 1), name="image")
    p = layers.Reshape((4, 1))(layers.AveragePooling2D(4)(x))
    boxes = layers.Reshape((4, 4))(
        layers.Dense(16, kernel_initializer="zeros", bias_initializer=_constant(QUADRANTS))(layers.Flatten()(x))
    )
    return keras.Model(x, {"cell_probabilities": ops.concatenate([p, 1 - p], -1), "cell_boxes": boxes})


def cell_detector(height: int, width: int, classes: int) -> keras.Model:
    """Each pixel is a cell, its channels are what the model answers: probabilities, then a box."""
    x = keras.Input((height, width, classes + 5), name="image")
    cells = layers.Reshape((height * width, classes + 5))(x)
    return keras.Model(x, {"cell_probabilities": cells[..., :-4], "cell_boxes": cells[..., -4:]})


def _constant(values: Any) -> Any:
    return lambda shape, dtype=None: ops.convert_to_tensor(np.reshape(values, shape), dtype)
