"""Finds out which pixel values a model expects: 0 to 255, 0 to 1 or -1 to 1.

Most models that take 8-bit pixels convert them in their first layers, such as `Rescaling(1 / 255)`. Follows the input
through these layers, and compares the results with the ranges that networks usually work with.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np

from ..wire.signature import PIXELS
from .activations import SIGMOID, TANH, output_activation

Array = np.ndarray[Any, Any]

RANGES = {text: tuple(map(float, text.split(".."))) for text in PIXELS}
UNKNOWN = "unknown"  # no signatures for image files
# Ranges that preprocessing converts pixels to. The last one is that of pixels minus 128.
_TARGETS = ((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 255.0), (-127.5, 127.5), (-128.0, 127.0))
_TOLERANCE = 0.02  # of the size of a range: 1/256 instead of 1/255 is close enough
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


class _Affine(NamedTuple):
    """The values scale · x + offset, for pixel values x. Both have one value, or one value for each channel."""

    scale: Array
    offset: Array

    def then(self, scale: Any, offset: Any) -> _Affine | None:
        """Returns the values after `scale` and `offset`. None if they have another number of channels."""
        scale, offset = (np.ravel(np.asarray(each, float)) for each in (scale, offset))
        if len({each.size for each in (scale, offset, *self)} - {1}) > 1:
            return None
        return _Affine(self.scale * scale, self.offset * scale + offset)


def takes_images(model: keras.Model) -> bool:
    """Returns whether an input has the shape of images with one or three channels: (batch, height, width, channels)."""
    return any(len(x.shape) == 4 and x.shape[-1] in (1, 3) for x in model.inputs)


def pixel_range(model: keras.Model) -> tuple[str | None, str]:
    """Returns which pixel values a model expects, one of `RANGES`, and the reason.

    Returns None and "" if the layers do not say it, or if two layers contradict each other.
    """
    image = next((x for x in model.inputs if len(x.shape) == 4 and x.shape[-1] in (1, 3)), None)
    if image is None:
        return None, ""
    if keras.backend.standardize_dtype(image.dtype) == "uint8":
        return "0..255", f"the input {image.name} has the type uint8"
    walk = _Walk()
    inner = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    with np.errstate(all="ignore"):  # a scale may be zero
        walk.follow(inner, {id(image): _Affine(np.ones(1), np.zeros(1))})
    if len({found for found, _ in walk.findings}) == 1:
        found, name = walk.findings[0]
        return found, f"the layer {name} converts them"
    if not walk.findings and is_autoencoder(model):
        found = {SIGMOID: "0..1", TANH: "-1..1"}.get(output_activation(model) or "")
        return found, "the output, which has the range of the input, is computed by a sigmoid or tanh" if found else ""
    return None, ""


class _Walk:
    """Follows pixel values through the layers of a model.

    Attributes:
        findings: the range that a layer speaks for, and the name of the layer.
    """

    def __init__(self) -> None:
        self.findings: list[tuple[str, str]] = []

    def follow(self, model: Any, values: dict[int, _Affine]) -> None:
        """Adds the values of the tensors in the model to `values`, by the `id` of the tensors."""
        for depth in sorted(getattr(model, "_nodes_by_depth", {}), reverse=True):
            for node in model._nodes_by_depth[depth]:
                known = [values.get(id(x)) for x in node.input_tensors]
                if not any(each is not None for each in known):
                    continue
                after = self._after(node, known)
                if after is not None:
                    values |= {id(x): after for x in node.output_tensors}

    def _after(self, node: Any, known: list[_Affine | None]) -> _Affine | None:
        """Returns the values of the outputs of a node. None if the layer computes something else, or is a finding."""
        operation = node.operation
        before = next(each for each in known if each is not None)
        if isinstance(operation, keras.Model):
            return self._inside(operation, known)
        if any(each is None or not all(map(np.array_equal, each, before)) for each in known):
            return None
        after = _converted(node, before)
        if after is None:  # the layer begins to extract features
            found = _by_statistics(-before.offset / before.scale, 1 / before.scale) or _of_batch(operation, before)
        elif after is before:
            return after
        else:
            found = _by_range(after)
            if found is None and isinstance(operation, keras.layers.Normalization):
                found = _by_statistics(-after.offset / after.scale, 1 / after.scale)
        if found is not None:
            self.findings.append((found, operation.name))
            return None
        return after

    def _inside(self, model: keras.Model, known: list[_Affine | None]) -> _Affine | None:
        """Follows the values through a nested model."""
        inner = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
        if not getattr(inner, "_nodes_by_depth", None):
            return None
        pairs = zip(inner.inputs, known, strict=False)
        values = {id(x): each for x, each in pairs if each is not None}
        self.follow(inner, values)
        return values.get(id(inner.outputs[0]))


def _converted(node: Any, before: _Affine) -> _Affine | None:
    """Returns the values after a layer or operation. None if it is neither a conversion nor in the lists above."""
    operation, kind = node.operation, type(node.operation).__name__
    if isinstance(operation, keras.layers.Layer):
        return _after_layer(operation, before)
    if kind in _OPERATIONS:
        return before
    if kind == "Negative":
        return before.then(-1, 0)
    return _calculated(kind, [*node.arguments.args, *node.arguments.kwargs.values()], before)


def _after_layer(layer: keras.layers.Layer, before: _Affine | None) -> _Affine | None:
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
        return functools.reduce(lambda values, each: _after_layer(each, values), layer.layers, before)
    is_linear = isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.linear
    return before if type(layer).__name__ in _LAYERS or is_linear else None


def _calculated(kind: str, arguments: list[Any], before: _Affine) -> _Affine | None:
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


def _of_batch(layer: Any, before: _Affine) -> str | None:
    """Returns the range of pixels with the mean and variance that a `BatchNormalization` layer has seen."""
    if not isinstance(layer, keras.layers.BatchNormalization) or layer.moving_mean.shape[0] not in (1, 3):
        return None
    mean, deviation = layer.moving_mean.numpy(), np.sqrt(layer.moving_variance.numpy())
    return _by_statistics((mean - before.offset) / before.scale, deviation / before.scale)


def _by_range(values: _Affine) -> str | None:
    """Returns the range of pixels that the values of all channels map to a usual range, or None."""
    if np.all(np.abs(values.scale) == 1) and np.all(values.offset == 0):
        return None
    found = [text for text, ends in RANGES.items() if any(_maps(values, ends, target) for target in _TARGETS)]
    return found[0] if len(found) == 1 else None


def _maps(values: _Affine, ends: Iterable[float], target: tuple[float, float]) -> bool:
    mapped = np.sort([values.scale * end + values.offset for end in ends], axis=0)  # (2, channels)
    size = target[1] - target[0]
    return bool(np.all(np.abs(mapped - np.array(target)[:, np.newaxis]) <= _TOLERANCE * size))


def _by_statistics(mean: Array, deviation: Array) -> str | None:
    """Returns the range of pixels with this mean and standard deviation, or None if several ranges are possible."""
    deviation = np.abs(deviation)
    if np.all((mean >= 2) & (mean <= 253) & (deviation >= 1) & (deviation <= 128)):
        return "0..255"
    if np.all((mean >= 0.1) & (mean <= 0.9) & (deviation >= 0.02) & (deviation <= 0.45)):
        return "0..1"
    if np.mean(mean) <= -0.02 and np.all((np.abs(mean) < 1) & (deviation >= 0.2) & (deviation <= 0.9)):
        return "-1..1"
    return None


def is_autoencoder(model: keras.Model) -> bool:
    """Returns whether the output is a reconstruction of the input, which then has the same range of values."""
    names = {layer.name for layer in model.layers}
    if len(model.inputs) != 1 or len(model.outputs) != 1 or not {"encoder", "decoder"} <= names:
        return False
    return bool(model.inputs[0].shape[1:] == model.outputs[0].shape[1:])
