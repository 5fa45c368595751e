"""Splits an autoencoder into an encoder and a decoder, which share the layers and weights of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..errors import FailedPrecondition, InvalidArgument, ServingError
from .outputs import different, output_names
from .sampling import name_of, named_mean, origin, parameters


@dataclass(frozen=True)
class Halves:
    """The two parts of an autoencoder.

    Attributes:
        encoder: computes the code from the model's input.
        decoder: computes the model's output from the code.
        outputs: computes all outputs of the encoder's layer by name, from the model's input. None if there is only one
            output.
        source: the tensor that is the code, such as "the output of encoder".
        is_mean: whether the code is a mean, but the decoder of the model reads another tensor, such as a random sample.
        read: the key in `outputs` of the tensor that the decoder of the model reads.
    """

    encoder: keras.Model
    decoder: keras.Model
    outputs: keras.Model | None = None
    source: str = ""
    is_mean: bool = False
    read: str = ""


def halves_by_name(model: keras.Model) -> Halves | None:
    """Splits a model at its layer `encoder`. Returns None if the model cannot be split there.

    The model must also have a layer `decoder`.
    """
    if not {"encoder", "decoder"} <= {layer.name for layer in model.layers}:
        return None
    try:
        return split(model, "encoder", "decoder")
    except ServingError:
        return None


def encoder_by_name(model: keras.Model) -> keras.Model | None:
    """Returns the part of a model up to the output of its layer `encoder`.

    Returns None if the model calls the layer more than once, or if the layer has several outputs.
    """
    try:
        return keras.Model(model.inputs[0], tensor(model, "encoder", "output"), name="encoder")
    except InvalidArgument:
        return None


def split(model: keras.Model, encoder: str | None, decoder: str | None) -> Halves:
    """Splits a model with one input and one output at the output of `encoder`, or else at the input of `decoder`.

    If the layer `encoder` has several outputs, as in a variational autoencoder, the code is the output with a name such
    as `mean`, `z_mean` or `mu`. If there is no such output, the code is the mean of the random sample that the decoder
    reads, see `sampling.parameters`. Otherwise, the code is the output that the decoder reads.

    Raises:
        InvalidArgument: the model uses a layer more than once, or the decoder does not come after the encoder.
        FailedPrecondition: a path bypasses the code, or it is not clear which output is the code.
    """
    ends = node(model, encoder).output_tensors if encoder else []
    if len(ends) > 1:
        return _split_distribution(model, encoder or "", ends, decoder)
    code = ends[0] if encoder else tensor(model, decoder or "", "input")
    if encoder and decoder and not any(depends_on(code, each) for each in node(model, decoder).input_tensors):
        raise InvalidArgument(f"Expected the decoder to come after the encoder. Received: {encoder} and {decoder}")
    if code is model.outputs[0]:
        raise InvalidArgument(
            f"Expected layers after the encoder's output. Received: --encoder {encoder}, the model's last layer"
        )
    source = f"the output of {encoder}" if encoder else f"the input of {decoder}"
    if any(code is x for x in model.inputs):
        raise InvalidArgument(f"Expected layers before the code. Received: {source}, the model's input")
    forth, back = _model(model.inputs[0], code, "encoder"), _decoder(model, code)
    if forth is None or back is None:
        raise FailedPrecondition(
            f"The model cannot be split at {source}: a path such as a skip connection bypasses this tensor"
        )
    sample = origin(code)
    if (found := parameters(sample)) and (drawn := _reveal(code, sample, found[0])):
        tensors, mean = found
        names = different([name_of(each) for each in (*tensors, sample)])
        place = next(place for place, each in enumerate(tensors) if each is mean)
        return _distribution(model, dict(zip(names, drawn, strict=True)), names[place], names[-1], back)
    return Halves(forth, back, source=source)


def _split_distribution(model: keras.Model, encoder: str, ends: Sequence[Any], decoder: str | None) -> Halves:
    """Splits a model whose encoder has several outputs."""
    names = _names_of(model.get_layer(encoder), len(ends))
    starts = node(model, decoder).input_tensors if decoder else []
    candidates = [*(starts if len(starts) == 1 else []), *ends]
    found = next(((each, half) for each in candidates if (half := _decoder(model, each)) is not None), None)
    if found is None:
        raise FailedPrecondition(
            f"The model cannot be split after {encoder}, which has {len(ends)} outputs: the decoder must read only one"
        )
    read, back = found
    tensors = dict(zip(names, ends, strict=True))
    if not any(read is each for each in ends):
        tensors[different([*names, name_of(read)])[-1]] = read
    key = next(name for name, each in tensors.items() if each is read)
    code = named_mean([name for name in names if tensors[name].shape == read.shape])
    if code is None and (drawn := parameters(origin(read))):
        code = next((name for name, each in tensors.items() if origin(each) is origin(drawn[1])), None)
    return _distribution(model, tensors, code or key, key, back)


def _distribution(model: keras.Model, tensors: dict[str, Any], code: str, read: str, decoder: keras.Model) -> Halves:
    """Returns the halves of a model whose encoder computes several tensors.

    Args:
        model: the model.
        tensors: the tensors by name.
        code: the name of the tensor that is the code.
        read: the name of the tensor that the decoder reads.
        decoder: the decoder.
    """
    return Halves(
        keras.Model(model.inputs[0], tensors[code], name="encoder"),
        decoder,
        keras.Model(model.inputs[0], tensors, name="encoder"),
        f"the output {code} of the encoder",
        tensors[code] is not tensors[read],
        read,
    )


def _reveal(code: Any, sample: Any, tensors: Sequence[Any]) -> list[Any]:
    """Returns tensors of a nested model, and the sample that it returns as `code`, as tensors of the outer model.

    Returns an empty list if the tensors are deeper inside.
    """
    if sample is code:
        return [*tensors, sample]
    layer, call, _ = code._keras_history
    try:
        model = keras.Model(layer.inputs, [*tensors, sample], name=layer.name)
    except ValueError:  # Keras says that the graph is disconnected
        return []
    return list(model(layer._inbound_nodes[call].input_tensors))


def _names_of(layer: Any, count: int) -> list[str]:
    if isinstance(layer, keras.Model) and layer.built and len(getattr(layer, "outputs", None) or ()) == count:
        return output_names(layer)
    return [f"{layer.name}_{number}" for number in range(count)]


def _decoder(model: keras.Model, code: Any) -> keras.Model | None:
    """Returns the part of the model after `code`. Returns None if the output does not depend on `code` alone."""
    return _model(code, model.outputs[0], "decoder") if depends_on(code, model.outputs[0]) else None


def _model(start: Any, end: Any, name: str) -> keras.Model | None:
    try:
        return keras.Model(start, end, name=name)
    except ValueError:  # Keras says that the graph is disconnected
        return None


def node(model: keras.Model, name: str) -> Any:
    """Returns the node where the model calls a layer. Raises InvalidArgument if it calls the layer more than once."""
    layer = model.get_layer(name)
    inside = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    nodes = [node for node in layer._inbound_nodes if id(node) in inside]
    if len(nodes) != 1:
        raise InvalidArgument(f"Expected a layer that the model uses once. Received: {name}, used {len(nodes)} times")
    return nodes[0]


def tensor(model: keras.Model, name: str, side: str) -> Any:
    """Returns the "output" or "input" tensor of a layer. Raises InvalidArgument if there are several tensors."""
    tensors = getattr(node(model, name), f"{side}_tensors")
    if len(tensors) != 1:
        raise InvalidArgument(f"Expected a layer with one {side}. Received: {name} with {len(tensors)}")
    return tensors[0]


def depends_on(code: Any, tensor: Any) -> bool:
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
