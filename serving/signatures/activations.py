"""Finds the activation function that computes the output of a model."""

from __future__ import annotations

from typing import Any

import keras

SOFTMAX, SIGMOID, TANH = "softmax", "sigmoid", "tanh"
_FUNCTIONS = {
    keras.activations.softmax: SOFTMAX,
    keras.activations.sigmoid: SIGMOID,
    keras.activations.hard_sigmoid: SIGMOID,
    keras.activations.tanh: TANH,
}
_OPERATIONS = {"Softmax": SOFTMAX, "Sigmoid": SIGMOID, "HardSigmoid": SIGMOID, "Tanh": TANH}
# Layers and operations that do not change the range of the values.
_UNCHANGED = frozenset(
    "Cast Cropping2D Dropout Flatten Identity InputLayer Reshape Resizing Squeeze StopGradient UpSampling2D".split()
)


def output_activation(model: keras.Model, output: int = 0) -> str | None:
    """Returns "softmax", "sigmoid" or "tanh" if this function computes an output, and None for any other function.

    Looks into nested models, and through layers that do not change values, such as `Reshape`. The average of several
    softmaxes is also a softmax, and so on.

    Args:
        model: any built Keras model.
        output: the index of the output.
    """
    inner = graph_of(model)
    return _of_tensor(inner.outputs[output]) if inner is not None else None


def output_layer(model: keras.Model) -> str:
    """Returns the name of the layer that computes the first output, with the names of the models around it."""
    operation = model.outputs[0]._keras_history.operation
    inner = graph_of(operation) if isinstance(operation, keras.Model) else None
    return operation.name if inner is None else f"{operation.name}/{output_layer(inner)}"


def graph_of(model: keras.Model) -> Any:
    """Returns the functional model with the layers of a model. None if the model is subclassed, or was never built."""
    inner = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    return inner if inner is not None and getattr(inner, "_nodes_by_depth", None) else None


def _of_tensor(tensor: Any) -> str | None:
    history = tensor._keras_history
    operation = history.operation
    if isinstance(operation, keras.Model):
        return output_activation(operation, history.tensor_index) if graph_of(operation) is not None else None
    kind = type(operation).__name__
    inputs = operation._inbound_nodes[history.node_index].input_tensors
    if isinstance(operation, keras.layers.Softmax) or kind == "Softmax":
        axes = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
        return SOFTMAX if [axis % len(tensor.shape) for axis in axes] == [len(tensor.shape) - 1] else None
    if kind in _OPERATIONS and not isinstance(operation, keras.layers.Layer):
        return _OPERATIONS[kind]
    if isinstance(operation, keras.layers.Average):
        (activation, *others) = {_of_tensor(each) for each in inputs}
        return None if others else activation
    activation = getattr(operation, "activation", None)
    is_unchanged = kind in _UNCHANGED or (kind == "Activation" and activation is keras.activations.linear)
    if is_unchanged and inputs:
        found = _of_tensor(inputs[0])
        return None if found == SOFTMAX and inputs[0].shape[-1] != tensor.shape[-1] else found
    if isinstance(operation, keras.layers.RNN):
        return None  # its activation is inside a recurrent cell
    return _FUNCTIONS.get(activation) if callable(activation) else None
