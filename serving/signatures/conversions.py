"""Layers and operations at the start of a model that convert pixel values, such as `Rescaling(1 / 255)`."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

Array = np.ndarray[Any, Any]

# Layers that do not change pixel values, or only add noise during training, or move, repeat or average pixels.
_LAYERS = frozenset(
    """
    AveragePooling2D CenterCrop Concatenate Cropping2D Dropout Flatten GaussianDropout GaussianNoise Identity InputLayer
    MaxPooling2D Permute RandAugment RandomBrightness RandomContrast RandomCrop RandomFlip RandomGrayscale
    RandomHue RandomRotation RandomSaturation RandomShear RandomTranslation RandomZoom Reshape Resizing SpatialDropout2D
    UpSampling2D ZeroPadding2D
    """.split()
)
_OPERATIONS = frozenset(
    """
    BroadcastTo Cast Clip Concatenate Copy ExpandDims Flip GetItem Moveaxis PadImages Repeat Reshape Resize Squeeze
    Stack StopGradient Swapaxes Transpose
    """.split()
)


class Affine(NamedTuple):
    """The values scale · x + offset, for pixel values x.

    Attributes:
        scale: one number, or one for each channel.
        offset: one number, or one for each channel.
        layer: the name of the last layer that changed the values, or "".
    """

    scale: Array
    offset: Array
    layer: str = ""

    def then(self, scale: Any, offset: Any) -> Affine | None:
        """Returns the values after `scale` and `offset`. None if they have another number of channels."""
        scale, offset = (np.ravel(np.asarray(each, float)) for each in (scale, offset))
        if len({each.size for each in (scale, offset, *self[:2])} - {1}) > 1:
            return None
        return Affine(self.scale * scale, self.offset * scale + offset)


def converted(node: Any, before: Affine) -> Affine | None:
    """Returns the values after a layer or operation. None if it is neither a conversion nor in the lists above."""
    operation, kind = node.operation, type(node.operation).__name__
    if isinstance(operation, keras.layers.Layer):
        return _after_layer(operation, before)
    if kind in _OPERATIONS:
        return before
    if kind == "Negative":
        return before.then(-1, 0)
    return _calculated(kind, [*node.arguments.args, *node.arguments.kwargs.values()], before)


def _after_layer(layer: keras.layers.Layer, before: Affine | None) -> Affine | None:
    if before is None:
        return None
    if isinstance(layer, keras.layers.Rescaling):
        return before.then(layer.scale, layer.offset)
    if isinstance(layer, keras.layers.Normalization):
        mean, deviation = _statistics(layer)
        return before.then(deviation, mean) if layer.invert else before.then(1 / deviation, -mean / deviation)
    if isinstance(layer, keras.layers.BatchNormalization) and _of_new_batch(layer):
        return before
    if isinstance(layer, keras.layers.Pipeline):
        values: Affine | None = before
        for each in layer.layers:
            values = _after_layer(each, values)
        return values
    is_linear = isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear
    return before if type(layer).__name__ in _LAYERS or is_linear else None


def _calculated(kind: str, arguments: list[Any], before: Affine) -> Affine | None:
    """Returns the values after an operation of pixels and a constant, such as x / 255. None for other operations."""
    if kind not in ("Add", "Subtract", "Multiply", "Divide", "TrueDivide") or len(arguments) != 2:
        return None
    is_first = isinstance(arguments[0], keras.KerasTensor)
    constant = arguments[1] if is_first else arguments[0]
    if isinstance(constant, keras.KerasTensor):
        return None
    try:
        number = np.ravel(keras.ops.convert_to_numpy(constant)).astype(float)
    except (TypeError, ValueError):
        return None
    if number.size not in (1, 3):
        return None
    if kind == "Add":
        return before.then(1, number)
    if kind == "Subtract":
        return before.then(1, -number) if is_first else before.then(-1, number)
    if kind == "Multiply":
        return before.then(number, 0)
    return before.then(1 / number, 0) if is_first and number.all() else None


def _statistics(layer: keras.layers.Normalization) -> tuple[Array, Array]:
    """Returns the mean and the standard deviation of a `Normalization` layer, for each channel or for all of them."""
    if layer.mean is None:  # it was never adapted
        return np.zeros(1), np.ones(1)
    mean, variance = (np.ravel(keras.ops.convert_to_numpy(each)).astype(float) for each in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    return (mean, deviation) if mean.size <= 3 else (np.mean(mean, keepdims=True), np.mean(deviation, keepdims=True))


def _of_new_batch(layer: keras.layers.BatchNormalization) -> bool:
    """Returns whether a `BatchNormalization` layer has never seen data."""
    return bool(np.all(layer.moving_mean.numpy() == 0) and np.all(layer.moving_variance.numpy() == 1))
