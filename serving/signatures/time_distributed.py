"""Corrects `TimeDistributed` for sequences of any length.

In a graph, Keras 3.15 loops over the batch size instead of the length: `TimeDistributed.call` reads the shape before it
swaps these two dimensions. A batch of 5 sequences of length 16 would give 5 steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

_call = keras.layers.TimeDistributed.call


@contextmanager
def corrected() -> Iterator[None]:
    """Within this context, graphs of `TimeDistributed` return a step for each step of the input."""
    keras.layers.TimeDistributed.call = _corrected_call
    try:
        yield
    finally:
        keras.layers.TimeDistributed.call = _call


def _corrected_call(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    if inputs.shape[1] is not None or training:
        return _call(layer, inputs, training=training, mask=mask)
    batch, length = ops.shape(inputs)[:2]
    options: dict[str, Any] = {"training": training} if layer.layer._call_has_training_arg else {}
    if layer.layer._call_has_mask_arg and mask is not None:
        options["mask"] = ops.reshape(mask, (-1, *ops.shape(mask)[2:]))
    # Without training, a layer computes each example alone. So the steps of all sequences can be one batch.
    steps = layer.layer.call(ops.reshape(inputs, (-1, *ops.shape(inputs)[2:])), **options)
    return keras.tree.map_structure(lambda each: ops.reshape(each, (batch, length, *ops.shape(each)[1:])), steps)
