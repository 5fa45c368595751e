"""Loads weights that a file stores as a list of arrays for each layer, such as an HDF5 file of a whole model.

Each list has the trainable weights first. The lists follow the order of the layers in the file's configuration. Keras
may order the layers of the rebuilt model differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import keras
import numpy as np

from ...errors import InvalidArgument
from ..keras2.tables import new_name
from ..reading.causes import cause

# Variables that get the same array: a variable of a shared layer, and the same variable of each copy of the layer.
Slot = list[Any]


def names(group: h5py.Group, attribute: str) -> list[str]:
    """Reads a list of strings from an attribute of a group. The list can be split into `attribute0`, `attribute1`, …"""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    return [each.decode() if isinstance(each, bytes) else str(each) for part in parts for each in group.attrs[part]]


def layers(group: h5py.Group) -> dict[str, list[h5py.Dataset]]:
    """Returns the arrays of each layer that has weights. Raises InvalidArgument if an array is missing."""
    try:
        return {
            layer: [group[layer][name] for name in weights]
            for layer in names(group, "layer_names")
            if (weights := names(group[layer], "weight_names"))
        }
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidArgument(f"The weights of a layer are missing in the file ({cause(error)})") from None


def load(
    model: keras.Model,
    config: Mapping[str, Any],
    arrays: Mapping[str, Sequence[Any]],
    pairs: Mapping[str, str] | None = None,
) -> list[str]:
    """Assigns weights to a model, layer by layer.

    Args:
        model: the model.
        config: the model's configuration in the file.
        arrays: the arrays of each layer that has weights, in the order of the file.
        pairs: maps layer names in the configuration to layer names in `arrays`, if the names differ.

    Returns:
        A line of text for each layer in `arrays` that the model does not have.

    Raises:
        InvalidArgument: the arrays of a layer are missing, or have other shapes than the layer's weights.
    """
    unused = dict(arrays)
    configs = {_name_of(each): each for each in _layers_of(config)}
    layers_by_name = {layer.name: layer for layer in model.layers}
    for name, each in configs.items():
        layer = layers_by_name.get(new_name(name))
        if layer is None:
            continue
        layer_arrays = unused.pop((pairs or {}).get(name, name), [])
        slots = _slots(layer, each)
        check(name, layer, slots, layer_arrays)
        for slot, array in zip(slots, layer_arrays, strict=True):
            for variable in slot:
                variable.assign(np.asarray(array))
    return [f"weights of {name!r} left out, because the model has no such layer" for name in unused]


def check(name: str, layer: keras.layers.Layer, slots: Sequence[Slot], arrays: Sequence[Any]) -> None:
    """Raises InvalidArgument if the shapes of the arrays differ from the shapes of the layer's weights."""
    expected, received = [tuple(slot[0].shape) for slot in slots], [tuple(array.shape) for array in arrays]
    if expected != received:
        raise InvalidArgument(
            f"Expected weights {_shapes(expected)} for layer {name!r} ({type(layer).__name__}). "
            f"Received: {_shapes(received)}"
        )


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " ".join(str(list(shape)) for shape in shapes) or "none"


def _layers_of(config: Mapping[str, Any]) -> list[Any]:
    inner = config["config"]
    return inner if isinstance(inner, list) else inner["layers"]


def _name_of(config: Mapping[str, Any]) -> str:
    """Returns the name of a layer or operation. Some operations, such as `ExtractPatches`, have no name as option."""
    return str(config["config"].get("name") or config["name"])


def _is_model(config: Mapping[str, Any]) -> bool:
    return isinstance(config["config"], list) or "layers" in config["config"]


def _slots(layer: keras.layers.Layer, config: Mapping[str, Any]) -> list[Slot]:
    trainable, others = _Order().of(layer, config)
    return trainable + others


class _Order:
    """Lists the variables of a layer or model in the order of the file. Lists the variables of a shared layer once."""

    def __init__(self) -> None:
        self._shared: dict[int, list[Slot]] = {}

    def of(self, layer: keras.layers.Layer, config: Mapping[str, Any]) -> tuple[list[Slot], list[Slot]]:
        """Returns the trainable variables, and the non-trainable variables."""
        trainable: list[Slot] = []
        others: list[Slot] = []
        for child, each in self._children(layer, config):
            number = each.get("shared_object_id")
            if number in self._shared:
                copies = self.of(child, {**each, "shared_object_id": None})
                for slot, copy in zip(self._shared[number], copies[0] + copies[1], strict=True):
                    slot += copy
                continue
            first, second = self.of(child, each)
            if number is not None:
                self._shared[number] = first + second
            trainable += first
            others += second
        if trainable or others or _is_model(config):
            return trainable, others
        return [[each] for each in layer.trainable_weights], [[each] for each in layer.non_trainable_weights]

    def _children(
        self, layer: keras.layers.Layer, config: Mapping[str, Any]
    ) -> Iterator[tuple[keras.layers.Layer, Mapping[str, Any]]]:
        if _is_model(config):
            children = {each.name: each for each in layer.layers}
            for each in _layers_of(config):
                if child := children.get(new_name(_name_of(each))):
                    yield child, each
        elif isinstance(inner := config["config"].get("layer"), dict) and _is_model(inner):
            yield layer.layer, inner
