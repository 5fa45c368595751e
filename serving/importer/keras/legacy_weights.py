"""Weights in the order in which HDF5 files of whole models have them: layer by layer, what is trained first.

The order is that of the layers in the file's own configuration, for Keras may sort a rebuilt model's layers otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import keras
import numpy as np

from ...errors import InvalidArgument
from ..keras2.tables import new_name

Slot = list[Any]  # variables that have one value: that of a layer in the model, and those of its copies


def names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of texts among a group's attributes, which may be cut into `attribute0`, `attribute1` and so on."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    return [each.decode() if isinstance(each, bytes) else str(each) for part in parts for each in group.attrs[part]]


def layers(group: h5py.Group) -> dict[str, list[h5py.Dataset]]:
    """The arrays of each layer that has any, in order. Raises InvalidArgument where one is not there."""
    try:
        return {
            layer: [group[layer][name] for name in weights]
            for layer in names(group, "layer_names")
            if (weights := names(group[layer], "weight_names"))
        }
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidArgument(f"Expected the weights of every layer. Received: a file without some ({error})") from None


def load(
    model: keras.Model,
    config: Mapping[str, Any],
    arrays: Mapping[str, Sequence[Any]],
    pairs: Mapping[str, str] | None = None,
) -> list[str]:
    """Gives a model weights, by the names of its layers.

    Args:
        model: the model.
        config: its configuration as the file has it.
        arrays: the weights of each layer that has any, in order.
        pairs: names of layers in `arrays` by those in the configuration, where they are others.

    Returns:
        A line for each layer whose weights are left out.

    Raises:
        InvalidArgument: the weights of a layer are missing, or are others than it has.
    """
    found = dict(arrays)
    given = {each["config"]["name"]: each for each in _layers_of(config)}
    own = {layer.name: layer for layer in model.layers}
    for name, each in given.items():
        layer = own.get(new_name(name))
        if layer is None:
            continue
        own_arrays = found.pop((pairs or {}).get(name, name), [])
        slots = _slots(layer, each)
        check(name, layer, slots, own_arrays)
        for slot, array in zip(slots, own_arrays, strict=True):
            for variable in slot:
                variable.assign(np.asarray(array))
    return [f"weights of {name!r} left out, the model has no such layer" for name in found]


def check(name: str, layer: keras.layers.Layer, slots: Sequence[Slot], arrays: Sequence[Any]) -> None:
    """Raises InvalidArgument where arrays are not what a layer has: the error says both shapes."""
    want, got = [tuple(slot[0].shape) for slot in slots], [tuple(array.shape) for array in arrays]
    if want != got:
        raise InvalidArgument(
            f"Expected weights {_shapes(want)} for layer {name!r} ({type(layer).__name__}). Received: {_shapes(got)}"
        )


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " ".join(str(list(shape)) for shape in shapes) or "none"


def _layers_of(config: Mapping[str, Any]) -> list[Any]:
    inner = config["config"]
    return inner if isinstance(inner, list) else inner["layers"]


def _is_model(config: Mapping[str, Any]) -> bool:
    return isinstance(config["config"], list) or "layers" in config["config"]


def _slots(layer: keras.layers.Layer, config: Mapping[str, Any]) -> list[Slot]:
    trained, others = _Order().of(layer, config)
    return trained + others


class _Order:
    """The weights of a layer or model: those that are trained, and the others. One that is there twice counts once."""

    def __init__(self) -> None:
        self._shared: dict[int, list[Slot]] = {}

    def of(self, layer: keras.layers.Layer, config: Mapping[str, Any]) -> tuple[list[Slot], list[Slot]]:
        trained: list[Slot] = []
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
            trained += first
            others += second
        if trained or others or _is_model(config):
            return trained, others
        return [[each] for each in layer.trainable_weights], [[each] for each in layer.non_trainable_weights]

    def _children(
        self, layer: keras.layers.Layer, config: Mapping[str, Any]
    ) -> Iterator[tuple[keras.layers.Layer, Mapping[str, Any]]]:
        if _is_model(config):
            own = {each.name: each for each in layer.layers}
            for each in _layers_of(config):
                if child := own.get(new_name(each["config"]["name"])):
                    yield child, each
        elif isinstance(inner := config["config"].get("layer"), dict) and _is_model(inner):
            yield layer.layer, inner
