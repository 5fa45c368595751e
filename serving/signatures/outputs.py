"""Names the outputs of a model. Outputs that come from one layer get different names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import keras

from ..errors import FailedPrecondition


def output_names(model: keras.Model) -> list[str]:
    """Returns a different name for each output, in the order of `model.outputs`.

    If the model returns a dict, the names are the keys. Otherwise, the names are those of the layers that compute the
    outputs. As in Keras 2, further outputs of one layer get numbers: `lstm`, `lstm_1` and `lstm_2`.
    """
    structure = getattr(model, "output", None)
    if isinstance(structure, dict):
        places = keras.tree.pack_sequence_as(structure, list(range(len(model.outputs))))
        if not any(keras.tree.is_nested(place) for place in places.values()):
            return different([str(key) for key in sorted(places, key=places.__getitem__)])
    return different([output._keras_history.operation.name for output in model.outputs])


def output_sources(model: keras.Model) -> list[str]:
    """Returns which layer computes each output, such as "state h of the layer lstm (LSTM)".

    The text is "" if the output has the name of a layer that has no other outputs.
    """
    names = output_names(model)
    return [_source(output, name) for name, output in zip(names, model.outputs, strict=True)]


def _source(output: Any, name: str = "") -> str:
    layer, call, index = output._keras_history
    inner = getattr(layer, "outputs", None) if isinstance(layer, keras.Model) else None
    count = len(layer._inbound_nodes[call].output_tensors)
    if inner and len(inner) == count:
        return f"{_source(inner[index])}, in the model {layer.name}"
    text = f"layer {layer.name} ({type(layer).__name__})"
    if count > 1:
        return f"{_role(layer, index, count)} of the {text}"
    return "" if name == layer.name else text


def _role(layer: Any, index: int, count: int) -> str:
    """Describes one of several outputs of a layer."""
    if isinstance(layer, keras.layers.Bidirectional):
        parts = 2 if layer.merge_mode is None else 1  # the outputs of both directions, or one joined output
        states = (count - parts) // 2
        forward = index == 0 if index < parts else index - parts < states
        direction = f" ({'forward' if forward else 'backward'})" if index >= parts or parts == 2 else ""
        inner = 0 if index < parts else (index - parts) % states + 1
        return _role(layer.forward_layer, inner, states + 1) + direction
    if isinstance(layer, keras.layers.RNN):
        if index == 0:
            return "sequence" if layer.return_sequences else "last output"
        if isinstance(layer, keras.layers.LSTM) or type(layer).__name__.startswith("ConvLSTM"):
            return f"state {'hc'[index - 1]}"
        return "state" if count == 2 else f"state {index}"
    if isinstance(layer, keras.layers.MultiHeadAttention | keras.layers.Attention | keras.layers.GroupQueryAttention):
        return "attention scores" if index else "output"
    return f"output {index + 1} of {count}"


def by_name(model: keras.Model, results: Any) -> dict[str, Any]:
    """Returns the results of a call of the model by the names of its outputs.

    Raises FailedPrecondition if the number of results is not the model's number of outputs.
    """
    names, values = output_names(model), keras.tree.flatten(results)
    check_count("the model", values, names)
    return dict(zip(names, values, strict=True))


def check_count(what: str, received: Collection[Any], names: Sequence[str]) -> None:
    """Raises FailedPrecondition if `what` does not compute one output for each name."""
    if len(received) != len(names):
        raise FailedPrecondition(
            f"Expected {len(names)} outputs of {what}: {', '.join(names)}. Received: {len(received)} outputs"
        )


def different(names: Sequence[str]) -> list[str]:
    """Adds numbers to names that occur more than once, except to the first occurrence."""
    unique: dict[str, None] = {}
    numbers: dict[str, int] = {}  # the last number of each name
    for name in names:
        proposal = name
        while proposal in unique:
            numbers[name] = numbers.get(name, 0) + 1
            proposal = f"{name}_{numbers[name]}"
        unique[proposal] = None
    return list(unique)
