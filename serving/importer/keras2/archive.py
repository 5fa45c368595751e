"""The weights in a .keras file of Keras 2, put where Keras 3 looks for them.

Both count a model's layers class by class: dense, dense_1. But Keras 3 may sort a rebuilt model's layers otherwise, and
Keras 2.12 counted each layer with weights twice: dense, dense_2.
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

_CONTAINERS = ("_layer_checkpoint_dependencies", "layers")  # as Keras up to 2.15 called it, and later
_TRAINING = ("metrics", "optimizer")


def arrange(weights: Path, config: Mapping[str, Any], model: keras.Model) -> None:
    """Writes `weights` anew.

    Args:
        weights: the file `model.weights.h5`.
        config: the model's configuration as the file has it.
        model: the rebuilt model; its weights are not looked at.

    Raises:
        InvalidArgument: there are others than its layers' weights.
    """
    arranged = weights.with_name("arranged.h5")
    with hdf5.open_checked(weights) as source, h5py.File(arranged, "w") as out:
        _Arrangement().run(source, out, config, model)
    arranged.replace(weights)


class _Arrangement:
    """Copies groups to their places; a layer that two models share is in one of them only, and copied to both."""

    def __init__(self) -> None:
        self._given: list[tuple[Any, h5py.Group]] = []
        self._missing: list[tuple[Any, h5py.Group, keras.layers.Layer]] = []

    def run(self, source: h5py.Group, out: h5py.Group, config: Mapping[str, Any], model: keras.Model) -> None:
        self._model(source, out, config["config"], model)
        while self._missing:
            entry, target, layer = self._missing.pop()
            group = next((group for other, group in self._given if other["config"] == entry["config"]), None)
            if group is None:
                raise _missing(layer.name)
            self._layer(group, target, entry, layer)

    def _model(self, source: h5py.Group, out: h5py.Group, config: Any, model: keras.Model) -> None:
        _copy(source, out, [name for name in source if name not in (*_CONTAINERS, *_TRAINING)])
        container: Mapping[str, h5py.Group] = next((source[name] for name in _CONTAINERS if name in source), {})
        groups, places = _groups(container), _places(model)
        for kind, entries in _by_class(config).items():
            found = groups.get(kind, [])
            if found and len(found) != len(entries):
                raise _missing(f"some {entries[0]['class_name']} layers of {model.name}")
            for at, entry in enumerate(entries):
                name = new_name(entry["config"]["name"])
                if name not in places:
                    continue
                target, layer = out.create_group(f"layers/{places[name]}"), model.get_layer(name)
                if found:
                    self._given.append((entry, container[found[at]]))
                    self._layer(container[found[at]], target, entry, layer)
                else:
                    self._missing.append((entry, target, layer))

    def _layer(self, group: h5py.Group, target: h5py.Group, entry: Any, layer: keras.layers.Layer) -> None:
        if isinstance(layer, keras.Model):
            self._model(group, target, entry["config"], layer)
        else:
            _copy(group, target, list(group))


def _missing(what: str) -> InvalidArgument:
    return InvalidArgument(f"Expected weights of every layer (a .h5 file may have them). Received: none of {what}")


def _copy(source: h5py.Group, out: h5py.Group, names: list[str]) -> None:
    for name in names:
        source.copy(name, out)


def _by_class(config: Any) -> dict[str, list[Any]]:
    """The layers of a model by the name that their class is counted by; inputs, which have no weights, are left out."""
    found: dict[str, list[Any]] = defaultdict(list)
    for entry in config["layers"] if isinstance(config, Mapping) else config:
        if entry["class_name"] != "InputLayer":
            found[_snake_case(entry["class_name"])].append(entry)
    return found


def _groups(container: Iterable[str]) -> dict[str, list[str]]:
    """The groups of each class, in the order in which they were counted."""
    numbered: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for group in container:
        name, _, number = group.rpartition("_")
        if name and number.isdecimal():
            numbered[name].append((int(number), group))
        else:
            numbered[group].append((0, group))
    return {name: [group for _, group in sorted(found)] for name, found in numbered.items()}


def _places(model: keras.Model) -> dict[str, str]:
    """Under which name Keras 3 looks for each layer's weights."""
    counted: dict[str, int] = defaultdict(int)
    places = {}
    for layer in model.layers:
        kind = _snake_case(type(layer).__name__)
        places[layer.name] = f"{kind}_{counted[kind]}" if counted[kind] else kind
        counted[kind] += 1
    return places


def _snake_case(name: str) -> str:
    """MaxPooling2D gives max_pooling2d, as both versions of Keras have it."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
