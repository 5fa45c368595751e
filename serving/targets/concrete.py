"""Freezes an endpoint: returns a graph without variables, which the converters need."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ..signatures import Endpoint


def frozen(endpoint: Endpoint) -> Any:
    """Returns a `tf.function` that computes the endpoint, with constants instead of variables.

    Other captured tensors, such as the mean in Keras's `Normalization`, become constants too. Otherwise tf2onnx would
    treat these tensors as inputs.
    """
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    constants = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names = sorted(function.structured_outputs)  # the order in which a dict is flattened
    return tf.function(
        lambda *values: dict(zip(names, constants(*values), strict=True)), input_signature=endpoint.inputs
    )
