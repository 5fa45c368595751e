"""Gives the parts of a foreign model the names that signatures are found by.

A model is taken apart where all of it passes through one place, the code, and put together again of the two halves,
called `encoder` and `decoder`; the layers and weights stay the same objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from ..errors import FailedPrecondition, InvalidArgument

ENCODERS = ("encoder", "enc")
DECODERS = ("decoder", "dec")
CODES = ("code", "codes", "bottleneck", "latent", "latent_space", "encoded", "encoding")
NOISE = (keras.layers.GaussianNoise, keras.layers.GaussianDropout, keras.layers.Dropout, keras.layers.SpatialDropout2D)


def named_parts(
    model: keras.Model, encoder: str | None = None, decoder: str | None = None
) -> tuple[keras.Model, list[str]]:
    """The model with its parts under the names that `signatures.endpoints` looks for, and a line for each it found.

    Args:
        model: any functional or sequential model.
        encoder: the layer (or sub-model) whose output is the code.
        decoder: the layer (or sub-model) that the way back begins with. One of the two is enough.

    Raises:
        InvalidArgument: no layer of that name, or one that has nothing to do with the other.
        FailedPrecondition: part of the model goes around the code.
    """
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    names = {layer.name: layer for layer in model.layers}
    for role, name in (("encoder", encoder), ("decoder", decoder)):
        if name is not None and name not in names:
            raise InvalidArgument(f"Expected --{role} to be a layer of the model: {', '.join(names)}. Received: {name}")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        if encoder or decoder:
            raise InvalidArgument(
                f"Expected a model with one input and one output to take apart. Received: {len(model.inputs)} and "
                f"{len(model.outputs)}"
            )
        return model, []
    if encoder is None and decoder is None:
        if {"encoder", "decoder"} <= names.keys():
            return model, ["encoder and decoder: its own layers of these names"]
        if model.inputs[0].shape[1:] != model.outputs[0].shape[1:]:
            return _classifier(model)
        encoder, decoder = _by_name(names, (*ENCODERS, *CODES)), _by_name(names, DECODERS)
        if encoder is None and decoder is None:
            return model, []
    return _halves(model, encoder, decoder)


def _by_name(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """The first layer that is called so, but for case and what Keras or a project adds: `my_encoder_1`."""
    for word in wanted:
        for name in names:
            if word in name.lower().split("_") or word == name.lower():
                return name
    return None


def _halves(model: keras.Model, encoder: str | None, decoder: str | None) -> tuple[keras.Model, list[str]]:
    code = _tensor(model, encoder, "output") if encoder else _tensor(model, decoder or "", "input")
    if decoder and not _behind(code, _tensor(model, decoder, "input")):
        raise InvalidArgument(f"Expected the decoder to come after the encoder. Received: {encoder} and {decoder}")
    if code is model.outputs[0]:
        raise InvalidArgument(
            f"Expected layers after the code to decode it. Received: {encoder}, the model's last layer"
        )
    place = f"the output of {encoder}" if encoder else f"the input of {decoder}"
    try:
        forth = keras.Model(model.inputs[0], code, name="encoder")
        back = keras.Model(code, model.outputs[0], name="decoder")
    except ValueError:
        raise FailedPrecondition(
            f"Expected all of the model to pass through its code, {place}. Received: a path around it, such as a skip "
            "connection"
        ) from None
    x = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    noisy = _noise(model)
    # A layer of that name says that the model was trained to denoise.
    start = keras.layers.Identity(name="corruption")(x) if noisy else x
    whole = keras.Model(x, back(forth(start)), name=model.name)
    found = [f"encoder and decoder: what is before and after the code, {place} {tuple(code.shape)}"]
    return whole, found + ([f"denoise: {noisy} was trained with"] if noisy else [])


def _noise(model: keras.Model) -> str | None:
    """The layer that spoils the input in training, if there is one."""
    for layer in model.layers:
        if isinstance(layer, NOISE) and any(_tensor(model, layer.name, "input") is x for x in model.inputs):
            return f"{layer.name} ({type(layer).__name__})"
    return None


def _classifier(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """One whose output is a softmax over classes says so by its last layer's name."""
    last = model.outputs[0]._keras_history.operation
    activation = getattr(last, "activation", None)
    softmax = isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax
    if not softmax or last.name == "probabilities" or len(model.outputs[0].shape) != 2:
        return model, []
    named = keras.layers.Identity(name="probabilities")(model.outputs[0])
    return keras.Model(model.inputs[0], named, name=model.name), [f"classifier: {last.name} gives a softmax"]


def _node(model: keras.Model, name: str) -> Any:
    """Where the model calls that layer. InvalidArgument where it does so more than once."""
    layer = model.get_layer(name)
    inside = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    nodes = [node for node in layer._inbound_nodes if id(node) in inside]
    if len(nodes) != 1:
        raise InvalidArgument(f"Expected a layer that the model uses once. Received: {name}, used {len(nodes)} times")
    return nodes[0]


def _tensor(model: keras.Model, name: str, side: str) -> Any:
    """The one "output" or "input" of a layer, where the model calls it."""
    tensors = getattr(_node(model, name), f"{side}_tensors")
    if len(tensors) != 1:
        raise InvalidArgument(f"Expected a layer with one {side}. Received: {name} with {len(tensors)}")
    return tensors[0]


def _behind(code: Any, tensor: Any) -> bool:
    """Whether `tensor` is `code` or made of it."""
    waiting, seen = [tensor], set()
    while waiting:
        each = waiting.pop()
        if each is code:
            return True
        node = each._keras_history.operation._inbound_nodes[each._keras_history.node_index]
        waiting += [x for x in node.input_tensors if id(x) not in seen]
        seen |= {id(x) for x in node.input_tensors}
    return False
