"""An endpoint as a graph with its weights in it, as converters want it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from ..errors import FailedPrecondition
from ..signatures import Endpoint


def frozen(endpoint: Endpoint) -> Any:
    """A `tf.function` of the endpoint's inputs whose graph holds constants only.

    What a graph captures beside variables, such as the tensors that Keras's `Normalization` keeps, becomes constants
    too. tf2onnx would take those for inputs.

    Raises FailedPrecondition for a function that keeps a state, such as the seed of a recurrent layer's dropout.
    """
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    try:
        constants = convert_variables_to_constants_v2(function, lower_control_flow=False)
    except (TypeError, ValueError) as error:  # a variable that is written to, a table
        reason = " ".join(str(error).split())[:200]
        raise FailedPrecondition(f"Expected a signature that only reads its weights. Received: {reason}") from None
    names = sorted(function.structured_outputs)  # the order in which a dict is flattened
    return tf.function(
        lambda *values: dict(zip(names, constants(*values), strict=True)), input_signature=endpoint.inputs
    )
