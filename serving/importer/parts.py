"""Gives the parts of an imported model the names that `signatures.endpoints` looks for.

An autoencoder is split at its code: the tensor that every path from the input to the output goes through. The two
halves are named `encoder` and `decoder`. They share the layers and weights of the original model.
"""

from __future__ import annotations

import keras
import numpy as np

from ..errors import InvalidArgument, ServingError
from ..signatures.find import plain
from ..signatures.halves import Halves, halves_by_name, split, tensor
from ..signatures.outputs import output_names, output_sources
from ..signatures.sampling import named_mean, origin, parameters
from .guess import guess

NOISE = (keras.layers.GaussianNoise, keras.layers.GaussianDropout, keras.layers.Dropout, keras.layers.SpatialDropout2D)


def named_parts(
    model: keras.Model, encoder: str | None = None, decoder: str | None = None
) -> tuple[keras.Model, list[str]]:
    """Names the encoder and decoder of an autoencoder.

    If the names of the layers suggest an autoencoder, but the model cannot be split, the model stays whole.

    Args:
        model: any functional or sequential model.
        encoder: name of the layer (or sub-model) whose output is the code.
        decoder: name of the first layer (or sub-model) of the decoder. One of the two names is enough.

    Returns:
        The model with named parts (the same model if it has no such parts), and a line of text for each part.

    Raises:
        InvalidArgument: `encoder` or `decoder` is given, and there is no layer of that name, the model has several
            inputs or outputs, the model uses the layer more than once, or the decoder does not come after the encoder.
        FailedPrecondition: `encoder` or `decoder` is given, but a path bypasses the code, and the model cannot be
            split there.
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
        return model, _why_whole(model)
    if encoder or decoder:
        return _with_parts(model, split(model, encoder, decoder))
    return _guessed(model)


def input_notes(model: keras.Model) -> list[str]:
    """Returns a line of text for each input that the exported model takes in another form than the file's model."""
    notes = []
    for x in model.inputs:
        if getattr(x, "ragged", False):
            notes.append(
                f"input {x.name}: ragged in the file. The exported model takes arrays: all sequences of a request have "
                "the same length, and padding counts as data unless the model masks it"
            )
        elif getattr(x, "sparse", False):
            notes.append(f"input {x.name}: sparse in the file. The exported model takes arrays that are not sparse")
    return notes


def output_notes(model: keras.Model) -> list[str]:
    """Returns a line of text for each output of a model with several outputs, if the names do not say enough."""
    sources = output_sources(model)
    if len(sources) < 2 or not any(sources):
        return []
    pairs = zip(output_names(model), sources, strict=True)
    return [f"output {name}: {source or f'layer {name}'}" for name, source in pairs]


def _guessed(model: keras.Model) -> tuple[keras.Model, list[str]]:
    """Names the parts that are found by the names of the layers."""
    halves, guessed = halves_by_name(model), guess(model)
    if not _keeps_shape(model) or not (guessed.encoder or guessed.decoder or guessed.doubt):
        return model, []
    if guessed.doubt:
        return model, [_whole(guessed.doubt, "specifies the layer whose output is the code")]
    if halves and (guessed.encoder, guessed.decoder) == ("encoder", "decoder") and not _noise(model):
        return model, _notes("encoder and decoder: the layers of these names", halves)
    try:
        return _with_parts(model, split(model, guessed.encoder, guessed.decoder))
    except ServingError as error:
        return model, [_whole(str(error), "splits the model at another layer")]


def _why_whole(model: keras.Model) -> list[str]:
    """Returns a line of text if a model with several outputs is an autoencoder that also returns its code."""
    if len(model.inputs) != 1:
        return []
    names = output_names(model)
    for output in model.outputs:
        if output.shape[1:] != model.inputs[0].shape[1:]:
            continue
        found = guess(keras.Model(model.inputs[0], output))
        if found.encoder or found.decoder or found.doubt:
            mean = named_mean(names) or _drawn_mean(model, found.decoder)
            return [
                f"exported whole, without encode and decode: the model has {len(names)} outputs "
                f"({', '.join(names)}), and only a model with one output is split. serving_default returns all outputs"
                + (f", also the mean of the code, {mean}" if mean else "")
            ]
    return []


def _drawn_mean(model: keras.Model, decoder: str | None) -> str | None:
    """Returns the name of the output that is the mean of the sample that the decoder reads, or None."""
    try:
        drawn = parameters(origin(tensor(model, decoder, "input"))) if decoder else None
    except InvalidArgument:
        return None
    named = zip(output_names(model), model.outputs, strict=True)
    return next((name for name, each in named if drawn and origin(each) is origin(drawn[1])), None)


def _whole(reason: str, remedy: str) -> str:
    return f"exported whole, without encode and decode: {reason[0].lower()}{reason[1:]} (--encoder LAYER {remedy})"


def _keeps_shape(model: keras.Model) -> bool:
    return bool(model.inputs[0].shape[1:] == model.outputs[0].shape[1:])


def _with_parts(model: keras.Model, halves: Halves) -> tuple[keras.Model, list[str]]:
    """Returns a model with the sub-models `encoder` and `decoder`, and lines of text for the user."""
    x = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    noise = _noise(model)
    # A layer named "corruption" marks a denoising autoencoder for `signatures.endpoints`.
    start = keras.layers.Identity(name="corruption")(x) if noise else x
    code = halves.outputs(start)[halves.read] if halves.outputs else halves.encoder(start)
    whole = keras.Model(x, halves.decoder(code), name=model.name)
    shape = tuple(halves.encoder.outputs[0].shape)
    notes = _notes(f"encoder and decoder: split at {halves.source} {shape}", halves)
    if not _keeps_shape(model) or model.inputs[0].dtype != "float32":
        notes.append("no encode and decode, which need float32 inputs and outputs of the same shape")
    elif noise:
        notes.append(f"denoise: the model was trained with {noise}")
    return whole, notes


def _notes(first: str, halves: Halves) -> list[str]:
    """Adds lines of text about the code of an encoder that has several outputs."""
    notes = [first]
    if halves.outputs:
        mean = f", the mean of the random output {halves.read}" if halves.is_mean else ""
        every = ", ".join(output_names(halves.outputs))
        notes.append(f"encode returns {halves.source}{mean}; encode_all returns {every}")
    if halves.is_mean:
        notes.append(f"serving_default decodes {halves.read}, as in the file; reconstruct and score decode the mean")
    elif _is_random(halves.encoder):
        notes.append(
            f"encode returns {halves.source or 'the output of encoder'}, which is random: the same input has another "
            "code in each request. No layer is known to compute its mean (--encoder LAYER splits the model at another "
            "layer, --whole exports only serving_default)"
        )
    return notes


def _is_random(encoder: keras.Model) -> bool:
    """Returns whether two calls of an encoder return different codes. Does not call an encoder of Keras's layers."""
    layers = encoder._flatten_layers(include_self=False)
    if all(type(each).__module__.startswith("keras.") and not isinstance(each, keras.layers.Lambda) for each in layers):
        return False
    (example,) = plain(encoder, seed=0).example(2).values()
    first, second = (np.asarray(encoder(example, training=False)) for _ in range(2))
    return not np.array_equal(first, second, equal_nan=True)


def _noise(model: keras.Model) -> str | None:
    """Describes the layer that adds noise to the input, such as "noise (GaussianNoise)". None if no layer does so."""
    for layer in model.layers:
        if isinstance(layer, NOISE):
            tensors = [x for node in layer._inbound_nodes for x in node.input_tensors]
            if any(x is y for x in tensors for y in model.inputs):
                return f"{layer.name} ({type(layer).__name__})"
    return None
