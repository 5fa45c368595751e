"""Finds the encoder, the code and the decoder of an autoencoder by the names of its layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..errors import InvalidArgument
from ..signatures.halves import depends_on, node, tensor
from ..signatures.sampling import parameters, words

ENCODERS = frozenset(("encoder", "enc"))
DECODERS = frozenset(("decoder", "dec"))
CODES = frozenset(("code", "codes", "bottleneck", "latent", "encoded", "encoding"))
EXACT = frozenset((*CODES, "latent_space"))
# Words of layers such as positional_encoding, which do not compute a code.
OTHERS = frozenset(("position", "positional", "pos", "category"))
NORMALIZATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.PReLU,
)


@dataclass(frozen=True)
class Guess:
    """The layers at which a model can be split.

    Attributes:
        encoder: the layer whose output is the code, or None.
        decoder: the first layer of the decoder, or None.
        doubt: why it is not clear which tensor is the code, or "".
    """

    encoder: str | None = None
    decoder: str | None = None
    doubt: str = ""


def guess(model: keras.Model) -> Guess:
    """Finds the layers at which a model can be split, by the names of its layers.

    A layer with the exact name `code`, `bottleneck` or `latent` computes the code. Otherwise, the function looks for
    the code in this order: a random sample that the decoder reads, the layers `encoder` and `decoder`, a layer such as
    `latent_vector`, and the last of layers such as `encoder_1` and `encoder_2`. If there are only names such as
    `decoder_1`, the code is the input of the first of these layers.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    # The last layer computes the model's output, which is not the code.
    names = [layer.name for layer in layers if layer is not model.outputs[0]._keras_history.operation]
    codes = [name for name in names if CODES & set(words(name)) and not OTHERS & set(words(name))]
    exact = [name for name in codes if name.lower() in EXACT]
    encoders = [name for name in names if ENCODERS & set(words(name)) and not DECODERS & set(words(name))]
    decoders = [
        layer.name for layer in layers if DECODERS & set(words(layer.name)) and not ENCODERS & set(words(layer.name))
    ]
    decoder = decoders[0] if decoders else None
    if exact:
        return _last(model, exact, decoder)
    if decoder and _reads_sample(model, decoder):
        return Guess(decoder=decoder)
    if "encoder" in encoders and "decoder" in decoders:
        return Guess("encoder", "decoder")
    if codes:
        found = _last(model, codes, decoder)
        after = [name for name in encoders if found.encoder and _comes_after(model, name, found.encoder)]
        if after:
            return Guess(doubt=f"the code could be the output of {found.encoder} or of {after[-1]}")
        return found
    if encoders:
        found = _last(model, encoders, decoder)
        if found.encoder and decoder and not _is_direct(model, found.encoder, decoder):
            return Guess(doubt=f"the code could be the output of {found.encoder} or the input of {decoder}")
        return found
    return Guess(decoder=decoder)


def _reads_sample(model: keras.Model, decoder: str) -> bool:
    """Whether the decoder reads a sample that another layer draws from a mean and a variance."""
    try:
        return parameters(tensor(model, decoder, "input")) is not None
    except InvalidArgument:
        return False


def _last(model: keras.Model, names: Sequence[str], decoder: str | None) -> Guess:
    """Returns the last of the layers if their names have numbers, or if the decoder follows the last one directly."""
    numbered = [name for name in names if words(name)[-1].isdecimal()]
    first, last = names[0], names[-1]
    is_chain = all(_comes_after(model, after, before) for before, after in zip(names, names[1:], strict=False))
    is_clear = len(numbered) >= len(names) - 1 or bool(decoder and _is_direct(model, last, decoder))
    if len(names) == 1 or (is_chain and is_clear):
        return Guess(last, decoder if decoder and _comes_after(model, decoder, last) else None)
    return Guess(doubt=f"the code could be the output of {first} or of {last}")


def _comes_after(model: keras.Model, name: str, other: str) -> bool:
    """Whether an input of layer `name` depends on an output of layer `other`."""
    try:
        starts, ends = node(model, name).input_tensors, node(model, other).output_tensors
    except InvalidArgument:  # the model uses a layer more than once
        return False
    return any(depends_on(end, start) for start in starts for end in ends)


def _is_direct(model: keras.Model, encoder: str, decoder: str) -> bool:
    """Whether the decoder reads the encoder's output.

    Layers between the encoder and the decoder are allowed if they have no weights, or normalize, and if they do not
    make the output smaller.
    """
    try:
        starts, ends = node(model, decoder).input_tensors, node(model, encoder).output_tensors
    except InvalidArgument:
        return False
    if not any(depends_on(end, start) for start in starts for end in ends):
        return False
    if min(map(_size, starts)) < max(map(_size, ends)):
        return False
    queue, seen = list(starts), {id(each) for each in (*starts, *ends)}
    while queue:
        current = queue.pop()
        if any(current is end for end in ends):
            continue
        operation, number, _ = current._keras_history
        if getattr(operation, "weights", None) and not isinstance(operation, NORMALIZATIONS):
            return False
        inputs = [each for each in operation._inbound_nodes[number].input_tensors]
        queue += [each for each in inputs if id(each) not in seen or any(each is end for end in ends)]
        seen |= {id(each) for each in inputs}
    return True


def _size(each: Any) -> int:
    """Returns the number of elements of an example. Dynamic dimensions count as 1."""
    return math.prod(size or 1 for size in each.shape[1:])
