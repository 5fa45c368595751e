"""The graph of a functional model of Keras 2, written as Keras 3 writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CONSTANT = "_CONSTANT_VALUE"


class Tensor(NamedTuple):
    """The output of a call: of which layer, of which of its calls, and which output."""

    layer: str
    call: int
    output: int


@dataclass
class Call:
    """A call of a layer: tensors and constants in any nesting."""

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Layer:
    """A layer, its configuration in Keras 3's form (as soon as it has that), and its calls."""

    config: dict[str, Any]
    calls: list[Call]


def each_tensor(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """`value` with every tensor in it changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [each_tensor(each, change) for each in value]
    if isinstance(value, dict):
        return {key: each_tensor(each, change) for key, each in value.items()}
    return value


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in `value`, in order."""
    found: list[Tensor] = []
    each_tensor(value, found.append)
    yield from found


# === Reading ===


def read_call(node: Any, layers: set[str], *, unnest: bool) -> Call:
    """A node of Keras 2: its inputs as nested lists [layer, call, output, further arguments].

    Args:
        node: the node.
        layers: the names of the model's layers.
        unnest: whether a list of one input means the input itself, as for all layers but functions.
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


def read_ends(value: Any) -> Any:
    """The inputs or outputs of a model; one alone, as a list of one is meant in Keras 2."""
    if isinstance(value, dict):
        return {key: read_ends(each) for key, each in value.items()}
    if isinstance(value[0], str):
        return Tensor(*value[:3])
    ends = [read_ends(each) for each in value]
    return ends[0] if len(ends) == 1 else ends


def from_zero(layers: dict[str, Layer], ends: list[Any]) -> list[Any]:
    """Numbers the calls of every layer from 0: those of a model in a model begin with 1. Changes `layers`.

    Returns:
        `ends`, numbered so.
    """
    first: dict[str, int] = {}
    for tensor in tensors([[[call.args, call.kwargs] for each in layers.values() for call in each.calls], ends]):
        first[tensor.layer] = min(tensor.call, first.get(tensor.layer, tensor.call))

    def renumbered(tensor: Tensor) -> Tensor:
        return tensor._replace(call=tensor.call - first[tensor.layer])

    change_all(layers, renumbered)
    return [each_tensor(end, renumbered) for end in ends]


def change_all(layers: dict[str, Layer], change: Callable[[Tensor], Tensor]) -> None:
    """Changes every tensor that a call takes."""
    for layer in layers.values():
        layer.calls = [Call(each_tensor(call.args, change), each_tensor(call.kwargs, change)) for call in layer.calls]


def needed(layers: dict[str, Layer], outputs: Any) -> set[tuple[str, int]]:
    """The calls that the outputs need, as (layer, call)."""
    found: set[tuple[str, int]] = set()
    left = list(tensors(outputs))
    while left:
        tensor = left.pop()
        if (tensor.layer, tensor.call) not in found:
            found.add((tensor.layer, tensor.call))
            calls = layers[tensor.layer].calls
            if calls:
                left += tensors([calls[tensor.call].args, calls[tensor.call].kwargs])
    return found


def prune(layers: dict[str, Layer], inputs: Any, outputs: Any) -> tuple[list[str], Any]:
    """Leaves out calls that no output needs, such as those of a loss. Changes `layers`.

    Returns:
        The names of the layers that are gone, and `outputs` with the calls that are left.
    """
    kept = needed(layers, outputs) | {(tensor.layer, tensor.call) for tensor in tensors(inputs)}
    numbers: dict[tuple[str, int], int] = {}
    for name, layer in layers.items():
        if not layer.calls:
            numbers[name, 0] = 0
        left = [call for call in range(len(layer.calls)) if (name, call) in kept]
        numbers |= {(name, call): number for number, call in enumerate(left)}
        layer.calls = [layer.calls[call] for call in left]
    gone = [name for name in layers if not any(name == each for each, _ in kept)]
    for name in gone:
        del layers[name]

    def renumbered(tensor: Tensor) -> Tensor:
        return tensor._replace(call=numbers[tensor.layer, tensor.call])

    change_all(layers, renumbered)
    return gone, each_tensor(outputs, renumbered)


# === Writing ===


def renamed(layers: dict[str, Layer], inputs: Any, outputs: Any) -> tuple[dict[str, Layer], Any, Any]:
    """The same by the names that the layers now have in their configurations."""
    names = {name: layer.config["config"]["name"] for name, layer in layers.items()}

    def change(tensor: Tensor) -> Tensor:
        return tensor._replace(layer=names[tensor.layer])

    change_all(layers, change)
    new = {names[name]: layer for name, layer in layers.items()}
    return new, each_tensor(inputs, change), each_tensor(outputs, change)


def write(layers: dict[str, Layer], inputs: Any, outputs: Any) -> dict[str, Any]:
    """`layers`, `input_layers` and `output_layers` as Keras 3 has them."""

    def written(tensor: Tensor) -> dict[str, Any]:
        history = list(tensor)
        # The shape is not looked at: the tensor itself takes its place.
        return {"class_name": "__keras_tensor__", "config": {"shape": [], "dtype": "float32", "keras_history": history}}

    def end(tensor: Tensor) -> list[Any]:
        # Of a functional model the first call is number 1 here, and 0 above.
        more = layers[tensor.layer].config["class_name"] == "Functional"
        return [tensor.layer, tensor.call + more, tensor.output]

    return {
        "layers": [
            {
                **layer.config,
                "name": name,
                "inbound_nodes": [
                    {"args": each_tensor(call.args, written), "kwargs": each_tensor(call.kwargs, written)}
                    for call in layer.calls
                ],
            }
            for name, layer in layers.items()
        ],
        "input_layers": each_tensor(inputs, end),
        "output_layers": each_tensor(outputs, end),
    }
