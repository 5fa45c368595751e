"""Finds out which pixel values a model expects: 0 to 255, 0 to 1 or -1 to 1.

Most models that take 8-bit pixels convert them in their first layers, such as `Rescaling(1 / 255)`. Follows the input
through these layers, and compares the results with the ranges that networks usually work with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from ..wire.signature import PIXELS
from .activations import SIGMOID, TANH, graph_of, output_activation
from .conversions import Affine, Array, converted

RANGES = {text: tuple(map(float, text.split(".."))) for text in PIXELS}
UNKNOWN = "unknown"  # no signatures for image files
# Ranges that preprocessing converts pixels to. The last one is that of pixels minus 128.
_TARGETS = ((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 255.0), (-127.5, 127.5), (-128.0, 127.0))
_TOLERANCE = 0.02  # of the size of a range: 1/256 instead of 1/255 is close enough


def takes_images(model: keras.Model) -> bool:
    """Returns whether an input has the shape of images with one or three channels: (batch, height, width, channels)."""
    return any(is_image(x.shape) for x in model.inputs)


def is_image(shape: Sequence[int | None]) -> bool:
    """Returns whether a shape is that of images with one or three channels: (batch, height, width, channels)."""
    return len(shape) == 4 and shape[-1] in (1, 3)


def pixel_range(model: keras.Model) -> tuple[str | None, str]:
    """Returns which pixel values a model expects, one of `RANGES`, and the reason.

    Returns None and "" if the layers do not say it, or if two layers contradict each other.
    """
    image = next((x for x in model.inputs if is_image(x.shape)), None)
    if image is None:
        return None, ""
    if keras.backend.standardize_dtype(image.dtype) == "uint8":
        return "0..255", f"the input {image.name} has the type uint8"
    walk = _Walk()
    with np.errstate(all="ignore"):  # a scale may be zero
        walk.follow(graph_of(model), {id(image): Affine(np.ones(1), np.zeros(1))})
    if len({found for found, _ in walk.findings}) == 1:
        found, name = walk.findings[0]
        return found, f"the layer {name} converts them"
    if not walk.findings and is_autoencoder(model):
        activation = output_activation(model)
        if activation in (SIGMOID, TANH):
            reason = f"the output, which has the range of the input, is computed by a {activation}"
            return "0..1" if activation == SIGMOID else "-1..1", reason
    return None, ""


class _Walk:
    """Follows pixel values through the layers of a model.

    Attributes:
        findings: the range that a layer speaks for, and the name of the layer.
    """

    def __init__(self) -> None:
        self.findings: list[tuple[str, str]] = []

    def follow(self, model: Any, values: dict[int, Affine]) -> None:
        """Adds the values of the tensors in the model to `values`, by the `id` of the tensors."""
        for depth in sorted(getattr(model, "_nodes_by_depth", {}), reverse=True):
            for node in model._nodes_by_depth[depth]:
                known = [values.get(id(x)) for x in node.input_tensors]
                if not any(each is not None for each in known):
                    continue
                after = self._after(node, known)
                if after is not None:
                    values |= {id(x): after for x in node.output_tensors}

    def _after(self, node: Any, known: list[Affine | None]) -> Affine | None:
        """Returns the values of the outputs of a node. None if the layer computes something else, or is a finding."""
        operation = node.operation
        before = next(each for each in known if each is not None)
        if isinstance(operation, keras.Model):
            return self._inside(operation, known)
        if any(each is None or not all(map(np.array_equal, each[:2], before[:2])) for each in known):
            return None
        after = converted(node, before)
        if after is before:
            return after
        layer = operation.name
        if after is None:  # the layer begins to extract features
            found = _by_statistics(-before.offset / before.scale, 1 / before.scale)
            layer = before.layer if found else layer
            found = found or _of_batch(operation, before)
        else:
            found = _by_range(after)
            if found is None and isinstance(operation, keras.layers.Normalization):
                found = _by_statistics(-after.offset / after.scale, 1 / after.scale)
        if found is not None:
            self.findings.append((found, layer))
            return None
        return after._replace(layer=layer) if after else None

    def _inside(self, model: keras.Model, known: list[Affine | None]) -> Affine | None:
        """Follows the values through a nested model."""
        inner = graph_of(model)
        if inner is None:
            return None
        pairs = zip(inner.inputs, known, strict=False)
        values = {id(x): each for x, each in pairs if each is not None}
        self.follow(inner, values)
        return values.get(id(inner.outputs[0]))


def _of_batch(layer: Any, before: Affine) -> str | None:
    """Returns the range of pixels with the mean and variance that a `BatchNormalization` layer has seen."""
    if not isinstance(layer, keras.layers.BatchNormalization) or layer.moving_mean.shape[0] not in (1, 3):
        return None
    mean, deviation = layer.moving_mean.numpy(), np.sqrt(layer.moving_variance.numpy())
    return _by_statistics((mean - before.offset) / before.scale, deviation / before.scale)


def _by_range(values: Affine) -> str | None:
    """Returns the range of pixels that the values of all channels map to another usual range, or None."""
    found = [
        text
        for text, ends in RANGES.items()
        if any(_maps(values, ends, target) for target in _TARGETS if target != ends or _inverts(values))
    ]
    return found[0] if len(found) == 1 else None


def _inverts(values: Affine) -> bool:
    """Returns whether the values are those of a negative, such as 1 - x or 255 - x."""
    return bool(np.all(values.scale < 0) and np.all(values.offset > 0))


def _maps(values: Affine, ends: Iterable[float], target: tuple[float, float]) -> bool:
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
