"""Gives the parts of an imported model the names that `signatures.endpoints` looks for.

An autoencoder is split at its code: the tensor that every path from the input to the output goes through. The two
halves are named `encoder` and `decoder`. They share the layers and weights of the original model.
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
    """Names the encoder and decoder of an autoencoder, or the probabilities of a classifier.

    Args:
        model: any functional or sequential model.
        encoder: name of the layer (or sub-model) whose output is the code.
        decoder: name of the first layer (or sub-model) of the decoder. One of the two names is enough.

    Returns:
        The model with named parts (the same model if it has no such parts), and a line of text for each part.

    Raises:
        InvalidArgument: there is no layer of that name, the model has several inputs or outputs, the model uses the
            layer more than once, or the decoder does not come after the encoder.
        FailedPrecondition: a path bypasses the code, and the model cannot be split there.
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
                "Expected a model with one input and one output for --encoder and --decoder. "
                f"Received: {len(model.inputs)} inputs and {len(model.outputs)} outputs"
            )
        return model, []
    if encoder is None and decoder is None:
        if {"encoder", "decoder"} <= names.keys():
            return model, ["encoder and decoder: the layers of these names"]
        if model.inputs[0].shape[1:] != model.outputs[0].shape[1:]:
            return _classifier(model)
        encoder, decoder = _by_name(names, (*ENCODERS, *CODES)), _by_name(names, DECODERS)
        if encoder is None and decoder is None:
            return model, []
    return _split(model, encoder, decoder)


def _by_name(names: Iterable[str], words: tuple[str, ...]) -> str | None:
    """Returns the first name that contains one of the words, such as `my_encoder_1`, or None. Ignores case."""
    for word in words:
        for name in names:
            if word in name.lower().split("_") or word == name.lower():
                return name
    return None


def _split(model: keras.Model, encoder: str | None, decoder: str | None) -> tuple[keras.Model, list[str]]:
    """Splits a model at the output of the layer `encoder`, or else at the input of the layer `decoder`."""
    code = _tensor(model, encoder, "output") if encoder else _tensor(model, decoder or "", "input")
    if decoder and not _depends_on(code, _tensor(model, decoder, "input")):
        raise InvalidArgument(f"Expected the decoder to come after the encoder. Received: {encoder} and {decoder}")
    if code is model.outputs[0]:
        raise InvalidArgument(
            f"Expected layers after the encoder's output. Received: --encoder {encoder}, the model's last layer"
        )
    position = f"the output of {encoder}" if encoder else f"the input of {decoder}"
    try:
        encoder_half = keras.Model(model.inputs[0], code, name="encoder")
        decoder_half = keras.Model(code, model.outputs[0], name="decoder")
    except ValueError:
        raise FailedPrecondition(
            f"The model cannot be split at {position}: a path such as a skip connection bypasses this tensor"
        ) from None
    x = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    noise = _noise(model)
    # A layer named "corruption" marks a denoising autoencoder for `signatures.endpoints`.
    start = keras.layers.Identity(name="corruption")(x) if noise else x
    whole = keras.Model(x, decoder_half(encoder_half(start)), name=model.name)
    notes = [f"encoder and decoder: split at {position} {tuple(code.shape)}"]
    return whole, notes + ([f"denoise: the model was trained with {noise}"] if noise else [])


def _noise(model: keras.Model) -> str | None:
    """Describes the layer that adds noise to the input, such as "noise (GaussianNoise)". None if no layer does so."""
    for layer in model.layers:
        if isinstance(layer, NOISE) and any(_tensor(model, layer.name, "input") is x for x in model.inputs):
            return f"{layer.name} ({type(layer).__name__})"
    return None


def _classifier(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Adds a last layer that is named "probabilities" if the output is a softmax over classes."""
    last = model.outputs[0]._keras_history.operation
    activation = getattr(last, "activation", None)
    softmax = isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax
    if not softmax or last.name == "probabilities" or len(model.outputs[0].shape) != 2:
        return model, []
    named = keras.layers.Identity(name="probabilities")(model.outputs[0])
    return keras.Model(model.inputs[0], named, name=model.name), [f"classifier: {last.name} computes a softmax"]


def _node(model: keras.Model, name: str) -> Any:
    """Returns the node where the model calls a layer. Raises InvalidArgument if it calls the layer more than once."""
    layer = model.get_layer(name)
    inside = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    nodes = [node for node in layer._inbound_nodes if id(node) in inside]
    if len(nodes) != 1:
        raise InvalidArgument(f"Expected a layer that the model uses once. Received: {name}, used {len(nodes)} times")
    return nodes[0]


def _tensor(model: keras.Model, name: str, side: str) -> Any:
    """Returns the "output" or "input" tensor of a layer. Raises InvalidArgument if there are several tensors."""
    tensors = getattr(_node(model, name), f"{side}_tensors")
    if len(tensors) != 1:
        raise InvalidArgument(f"Expected a layer with one {side}. Received: {name} with {len(tensors)}")
    return tensors[0]


def _depends_on(code: Any, tensor: Any) -> bool:
    """Whether `tensor` is `code`, or is computed from `code`."""
    queue, seen = [tensor], set()
    while queue:
        each = queue.pop()
        if each is code:
            return True
        node = each._keras_history.operation._inbound_nodes[each._keras_history.node_index]
        queue += [x for x in node.input_tensors if id(x) not in seen]
        seen |= {id(x) for x in node.input_tensors}
    return False
