"""Small classifiers, regressors, segmenters and detectors.

The outputs of the segmenter and of the detectors follow from the input image, so the tests know the expected outputs.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

Shape = tuple[int | None, ...]


def classifier(shape: Shape = (8, 8, 1), classes: int = 3, *, embedding: bool = True) -> keras.Model:
    """Returns a classifier of images or vectors. The random weights are so large that the probabilities differ."""
    x = keras.Input(shape, name="image" if len(shape) == 3 else "features")
    flat = layers.GlobalAveragePooling2D() if None in shape else layers.Flatten()
    h = flat(layers.Conv2D(6, 3)(x)) if len(shape) == 3 else x
    h = layers.Dense(5, activation="tanh", name="embedding" if embedding else "hidden")(h)
    large = keras.initializers.RandomNormal(stddev=3)
    head = layers.Dense(classes, activation="softmax", kernel_initializer=large, name="probabilities")
    return keras.Model(x, head(h))


def regressor(shape: Shape = (4,), k: int = 1, *, embedding: bool = True) -> keras.Model:
    """Returns a regressor of images or vectors with `k` outputs and random weights."""
    x = keras.Input(shape, name="image" if len(shape) == 3 else "features")
    h = layers.Dense(5, activation="tanh", name="embedding" if embedding else "hidden")(layers.Flatten()(x))
    return keras.Model(x, layers.Dense(k, name="prediction")(h))


def segmenter(shape: Shape = (8, 8, 1)) -> keras.Model:
    """Returns a segmenter with two classes. Pixels above 0.5 are of class 0; the other pixels are of class 1."""
    x = keras.Input(shape, name="image")
    return keras.Model(x, layers.Concatenate(name="pixel_probabilities")([x, 1 - x]))


QUADRANTS = [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1]]


def quadrant_detector() -> keras.Model:
    """Returns a detector that finds the quadrants of an 8x8 image with a mean above 0.5."""
    x = keras.Input((8, 8, 1), name="image")
    p = layers.Reshape((4, 1))(layers.AveragePooling2D(4)(x))
    boxes = layers.Reshape((4, 4))(
        layers.Dense(16, kernel_initializer="zeros", bias_initializer=_constant(QUADRANTS))(layers.Flatten()(x))
    )
    return keras.Model(x, {"cell_probabilities": ops.concatenate([p, 1 - p], -1), "cell_boxes": boxes})


def cell_detector(height: int, width: int, classes: int) -> keras.Model:
    """Returns a detector whose outputs are the channels of the image.

    Each pixel is a cell. The first `classes` + 1 channels are probabilities, and the last four channels are a box.
    """
    x = keras.Input((height, width, classes + 5), name="image")
    cells = layers.Reshape((height * width, classes + 5))(x)
    return keras.Model(x, {"cell_probabilities": cells[..., :-4], "cell_boxes": cells[..., -4:]})


def _constant(values: Any) -> Any:
    return lambda shape, dtype=None: ops.convert_to_tensor(np.reshape(values, shape), dtype)
