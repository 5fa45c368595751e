"""Moves the weights in a .keras file of Keras 2 to the HDF5 groups where Keras 3 looks for them.

Keras 2 and Keras 3 number the layers of each class: dense, dense_1. But Keras 3 may order the layers of the rebuilt
model differently, and Keras 2.12 counted each layer with weights twice: dense, dense_2.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras

from ...errors import InvalidArgument
from ..reading import hdf5
from .tables import new_name

_CONTAINERS = ("_layer_checkpoint_dependencies", "layers")  # name of the group of the layers: up to Keras 2.15, later
_TRAINING = ("metrics", "optimizer")


def rearrange(weights: Path, config: Mapping[str, Any], model: keras.Model) -> None:
    """Rewrites the file of weights for Keras 3.

    Args:
        weights: the file `model.weights.h5`.
        config: the model's configuration in the file.
        model: the rebuilt model. The values of its weights are not used.

    Raises:
        InvalidArgument: the weights of a layer are missing.
    """
    rearranged = weights.with_name("rearranged.h5")
    with hdf5.open_checked(weights) as source, h5py.File(rearranged, "w") as out:
        _Rearrangement().run(source, out, config, model)
    rearranged.replace(weights)


class _Rearrangement:
    """Copies the group of each layer. If two models share a layer, the group of the layer is copied to both models."""

    def __init__(self) -> None:
        self._copied: list[tuple[Any, h5py.Group]] = []
        self._missing: list[tuple[Any, h5py.Group, keras.layers.Layer]] = []

    def run(self, source: h5py.Group, out: h5py.Group, config: Mapping[str, Any], model: keras.Model) -> None:
        self._model(source, out, config["config"], model)
        while self._missing:
            entry, target, layer = self._missing.pop()
            group = next((group for other, group in self._copied if other["config"] == entry["config"]), None)
            if group is None:
                raise _missing(layer.name)
            self._layer(group, target, entry, layer)

    def _model(self, source: h5py.Group, out: h5py.Group, config: Any, model: keras.Model) -> None:
        _copy(source, out, [name for name in source if name not in (*_CONTAINERS, *_TRAINING)])
        container: Mapping[str, h5py.Group] = next((source[name] for name in _CONTAINERS if name in source), {})
        groups, group_names = _groups(container), _group_names(model)
        for snake_name, entries in _by_class(config).items():
            names = groups.get(snake_name, [])
            if names and len(names) != len(entries):
                raise _missing(f"some {entries[0]['class_name']} layers of {model.name}")
            for at, entry in enumerate(entries):
                name = new_name(entry["config"]["name"])
                if name not in group_names:
                    continue
                target, layer = out.create_group(f"layers/{group_names[name]}"), model.get_layer(name)
                if names:
                    self._copied.append((entry, container[names[at]]))
                    self._layer(container[names[at]], target, entry, layer)
                elif layer.weights:
                    self._missing.append((entry, target, layer))

    def _layer(self, group: h5py.Group, target: h5py.Group, entry: Any, layer: keras.layers.Layer) -> None:
        if isinstance(layer, keras.Model):
            self._model(group, target, entry["config"], layer)
        else:
            _copy(group, target, list(group))


def _missing(what: str) -> InvalidArgument:
    return InvalidArgument(f"The file has no weights for {what} (a .h5 file of the model may have them)")


def _copy(source: h5py.Group, out: h5py.Group, names: list[str]) -> None:
    for name in names:
        source.copy(name, out)


def _by_class(config: Any) -> dict[str, list[Any]]:
    """Groups the layers of a model by class, in snake case. Leaves out input layers, which have no weights."""
    layers: dict[str, list[Any]] = defaultdict(list)
    for entry in config["layers"] if isinstance(config, Mapping) else config:
        if entry["class_name"] != "InputLayer":
            layers[_snake_case(entry["class_name"])].append(entry)
    return layers


def _groups(container: Iterable[str]) -> dict[str, list[str]]:
    """Returns the names of the HDF5 groups of each class, in the order of their numbers."""
    numbered: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for group in container:
        name, _, number = group.rpartition("_")
        if name and number.isdecimal():
            numbered[name].append((int(number), group))
        else:
            numbered[group].append((0, group))
    return {name: [group for _, group in sorted(pairs)] for name, pairs in numbered.items()}


def _group_names(model: keras.Model) -> dict[str, str]:
    """Returns the name of the HDF5 group where Keras 3 looks for each layer's weights."""
    counted: dict[str, int] = defaultdict(int)
    group_names = {}
    for layer in model.layers:
        snake_name = _snake_case(type(layer).__name__)
        group_names[layer.name] = f"{snake_name}_{counted[snake_name]}" if counted[snake_name] else snake_name
        counted[snake_name] += 1
    return group_names


def _snake_case(name: str) -> str:
    """Converts a class name as Keras 2 and Keras 3 do: max_pooling2d for MaxPooling2D."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
