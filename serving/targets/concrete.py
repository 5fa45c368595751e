"""An endpoint as a graph with its weights in it, as converters want it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ..signatures import Endpoint


def frozen(endpoint: Endpoint) -> Any:
    """A `tf.function` of the endpoint's inputs whose graph holds constants only.

    What a graph captures beside variables, such as the tensors that Keras's `Normalization` keeps, becomes constants
    too. tf2onnx would take those for inputs.
    """
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    constants = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names = sorted(function.structured_outputs)  # the order in which a dict is flattened
    return tf.function(
        lambda *values: dict(zip(names, constants(*values), strict=True)), input_signature=endpoint.inputs
    )
