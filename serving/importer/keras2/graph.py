"""Reads the graph of a functional model in Keras 2's format, and writes the graph in Keras 3's format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CONSTANT = "_CONSTANT_VALUE"


class Tensor(NamedTuple):
    """A symbolic tensor: one output of one call of a layer.

    Attributes:
        layer: name of the layer.
        call: index of the call.
        output: index of the output.
    """

    layer: str
    call: int
    output: int


@dataclass
class Call:
    """The arguments of a call of a layer: tensors and constants, in nested lists and dictionaries."""

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Layer:
    """A layer: its configuration (in Keras 2's format until it is converted), and its calls."""

    config: dict[str, Any]
    calls: list[Call]


def map_tensors(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Applies `change` to every tensor in nested lists and dictionaries."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [map_tensors(each, change) for each in value]
    if isinstance(value, dict):
        return {key: map_tensors(each, change) for key, each in value.items()}
    return value


def tensors(value: Any) -> Iterator[Tensor]:
    """Yields every tensor in nested lists and dictionaries, in order."""
    collected: list[Tensor] = []
    map_tensors(value, collected.append)
    yield from collected


# === Reading ===


def read_call(node: Any, layers: set[str], *, unnest: bool) -> Call:
    """Reads the arguments of a call from a node in Keras 2's format.

    Args:
        node: the inputs, as nested lists of [layer, call, output, keyword arguments].
        layers: names of the model's layers.
        unnest: whether to replace a list of one input with the input. True for all layers except TensorFlow functions.
    """
    kwargs: dict[str, Any] = {}

    def read(value: Any) -> Any:
        nonlocal kwargs
        if isinstance(value, list) and value and isinstance(value[0], str):
            name, call, output, *rest = value
            kwargs = rest[0] if rest else {}
            return output if name == CONSTANT else Tensor(name, call, output)
        if isinstance(value, list):
            return [read(each) for each in value]
        return {key: read(each) for key, each in value.items()}

    inputs = read(node)
    if unnest and isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    return Call([inputs], {key: _read_argument(value, layers) for key, value in kwargs.items()})


def _read_argument(value: Any, layers: set[str]) -> Any:
    if isinstance(value, list):
        if len(value) in (3, 4) and isinstance(value[0], str) and value[0] in layers:
            return Tensor(value[0], value[1], value[2])
        return [_read_argument(each, layers) for each in value]
    if isinstance(value, dict):
        return {key: _read_argument(each, layers) for key, each in value.items()}
    return value


def read_endpoints(value: Any) -> Any:
    """Reads the inputs or outputs of a model. In Keras 2, a list of one tensor means the tensor."""
    if isinstance(value, dict):
        return {key: read_endpoints(each) for key, each in value.items()}
    if isinstance(value[0], str):
        return Tensor(*value[:3])
    ends = [read_endpoints(each) for each in value]
    return ends[0] if len(ends) == 1 else ends


def renumber_calls(layers: dict[str, Layer], ends: list[Any]) -> list[Any]:
    """Renumbers the calls of every layer from 0. In a nested model, Keras 2 starts at 1. Modifies `layers`.

    Returns:
        `ends` with the new numbers of the calls.
    """
    first: dict[str, int] = {}
    for tensor in tensors([[[call.args, call.kwargs] for each in layers.values() for call in each.calls], ends]):
        first[tensor.layer] = min(tensor.call, first.get(tensor.layer, tensor.call))

    def renumbered(tensor: Tensor) -> Tensor:
        return tensor._replace(call=tensor.call - first[tensor.layer])

    map_calls(layers, renumbered)
    return [map_tensors(end, renumbered) for end in ends]


def map_calls(layers: dict[str, Layer], change: Callable[[Tensor], Tensor]) -> None:
    """Applies `change` to every tensor in the arguments of the calls. Modifies `layers`."""
    for layer in layers.values():
        layer.calls = [Call(map_tensors(call.args, change), map_tensors(call.kwargs, change)) for call in layer.calls]


def needed_calls(layers: dict[str, Layer], outputs: Any) -> set[tuple[str, int]]:
    """Returns the calls that the outputs depend on, as (layer, call)."""
    needed: set[tuple[str, int]] = set()
    pending = list(tensors(outputs))
    while pending:
        tensor = pending.pop()
        if (tensor.layer, tensor.call) not in needed:
            needed.add((tensor.layer, tensor.call))
            calls = layers[tensor.layer].calls
            if calls:
                pending += tensors([calls[tensor.call].args, calls[tensor.call].kwargs])
    return needed


def prune(layers: dict[str, Layer], inputs: Any, outputs: Any) -> tuple[list[str], Any]:
    """Removes calls that no output needs, such as calls that compute a loss. Modifies `layers`.

    Returns:
        The names of the removed layers, and `outputs` with the new numbers of the calls.
    """
    needed = needed_calls(layers, outputs) | {(tensor.layer, tensor.call) for tensor in tensors(inputs)}
    numbers: dict[tuple[str, int], int] = {}
    for name, layer in layers.items():
        if not layer.calls:
            numbers[name, 0] = 0
        remaining = [call for call in range(len(layer.calls)) if (name, call) in needed]
        numbers |= {(name, call): number for number, call in enumerate(remaining)}
        layer.calls = [layer.calls[call] for call in remaining]
    removed = [name for name in layers if not any(name == each for each, _ in needed)]
    for name in removed:
        del layers[name]

    def renumbered(tensor: Tensor) -> Tensor:
        return tensor._replace(call=numbers[tensor.layer, tensor.call])

    map_calls(layers, renumbered)
    return removed, map_tensors(outputs, renumbered)


# === Writing ===


def rename_layers(layers: dict[str, Layer], inputs: Any, outputs: Any) -> tuple[dict[str, Layer], Any, Any]:
    """Renames the layers to the names in their configurations. Returns the three arguments with the new names."""
    names = {name: layer.config["config"]["name"] for name, layer in layers.items()}

    def change(tensor: Tensor) -> Tensor:
        return tensor._replace(layer=names[tensor.layer])

    map_calls(layers, change)
    new = {names[name]: layer for name, layer in layers.items()}
    return new, map_tensors(inputs, change), map_tensors(outputs, change)


def write(layers: dict[str, Layer], inputs: Any, outputs: Any) -> dict[str, Any]:
    """Returns `layers`, `input_layers` and `output_layers` in Keras 3's format."""

    def written(tensor: Tensor) -> dict[str, Any]:
        history = list(tensor)
        # Keras ignores this shape, because it replaces the whole entry with the tensor.
        return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": history}}

    def end(tensor: Tensor) -> list[Any]:
        # Here, Keras numbers the calls of a functional model from 1. In inbound_nodes, the numbers start at 0.
        offset = layers[tensor.layer].config["class_name"] == "Functional"
        return [tensor.layer, tensor.call + offset, tensor.output]

    return {
        "layers": [
            {
                **layer.config,
                "name": name,
                "inbound_nodes": [
                    {"args": map_tensors(call.args, written), "kwargs": map_tensors(call.kwargs, written)}
                    for call in layer.calls
                ],
            }
            for name, layer in layers.items()
        ],
        "input_layers": map_tensors(inputs, end),
        "output_layers": map_tensors(outputs, end),
    }
