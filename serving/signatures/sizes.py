"""Finds sizes of dynamic dimensions that a model accepts, for example inputs."""

from __future__ import annotations

import weakref
from typing import Any

import keras
import tensorflow as tf

STEPS = (16, 32, 64, 128, 256)  # sizes that can be halved several times
_chosen: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def example_size(model: keras.Model, batch: int) -> int:
    """Returns a size for the dynamic dimensions of the model's inputs. The size depends on the batch size.

    The size is a small number if the model accepts it. Otherwise, it is a multiple of a power of two, for models that
    halve and double their input, such as U-Nets. If the model accepts none of these sizes, returns the small number.
    """
    small = 8 + too_short_length(model)
    if model not in _chosen:
        accepts_small = not _changes_sizes(model) or all(_accepts(model, small + extra) for extra in (1, 2))
        _chosen[model] = 0 if accepts_small else next((step for step in STEPS if _accepts(model, step)), 0)
    step = _chosen[model]
    return step * (batch % 3 or 1) if step else small + batch % 3


def too_short_length(model: keras.Model) -> int:
    """Returns the largest sequence length that is too short for the model's convolution kernels or seasonal period."""
    windows = [layer.kernel_size[0] - 1 for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    return int(max([0, *windows, *(getattr(layer, "season", 0) for layer in model.layers)]))


def _changes_sizes(model: keras.Model) -> bool:
    """Whether a layer, also in a nested model, makes images or sequences smaller or larger."""
    for layer in model._flatten_layers():
        sizes = [getattr(layer, "strides", None) or 1]
        if getattr(layer, "padding", "") == "valid":
            sizes.append(getattr(layer, "kernel_size", 1))
        if hasattr(layer, "pool_size") or any(each != 1 for each in keras.tree.flatten(sizes)):
            return True
    return False


def _accepts(model: keras.Model, size: int) -> bool:
    """Whether the model accepts dynamic dimensions of this size. Builds a graph, but computes nothing.

    If the output has the shape of the input, as in an autoencoder, it must have the same size, too.
    """
    inputs = [tf.TensorSpec((None, *(each or size for each in x.shape[1:])), x.dtype) for x in model.inputs]

    def call(*values: Any) -> Any:
        x = keras.tree.pack_sequence_as(model.input, values) if len(values) > 1 else values[0]
        return keras.tree.flatten(model(x, training=False))

    try:
        outputs = tf.function(call, input_signature=inputs, autograph=False).get_concrete_function().outputs
    except Exception:  # a layer rejects the size: each layer has its own errors
        return False
    if len(inputs) == len(outputs) == 1 and model.inputs[0].shape[1:] == model.outputs[0].shape[1:]:
        return bool(outputs[0].shape[1:].is_compatible_with(inputs[0].shape[1:]))
    return not any(each == 0 for output in outputs for each in output.shape)
