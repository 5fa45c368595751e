"""Changes names that Keras allows and TensorFlow does not, such as "my layer", "größe", and an input named "class"."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras

_ALLOWED = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*", re.ASCII)
# TensorFlow makes an argument of a Python method from each input.
_NO_INPUTS = frozenset({*keyword.kwlist, "self"})


class Renamed(NamedTuple):
    """A changed name.

    Attributes:
        what: "model", "layer" or "input".
        old: the name before.
        new: the name now.
        undo: restores the name.
    """

    what: str
    old: str
    new: str
    undo: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.what} {self.old!r} is now named {self.new!r}, because TensorFlow does not allow the name"


def fit_names(model: keras.Model) -> list[Renamed]:
    """Changes the names of the model, its layers and its inputs that TensorFlow does not allow. Returns the changes.

    Also changes the names in nested models. An output of a model has the name of its layer. The names of variables
    change, too, and have no other meaning.
    """
    changes: list[Renamed] = []
    inputs = {id(x) for x in model.inputs}
    taken = {_argument(x.name) for x in model.inputs if _is_allowed(x.name) and x.name not in _NO_INPUTS}
    for x in model.inputs:
        if not _is_allowed(x.name) or x.name in _NO_INPUTS:
            new = _fitted(x.name, lambda name: _argument(name) in taken or name in _NO_INPUTS)
            taken.add(_argument(new))
            changes.append(_rename("input", new, x, x._keras_history.operation))
    for each in _models(model):
        if not _is_allowed(each.name):
            changes.append(_rename("model", _fitted(each.name, lambda name: False), each))
        changes += _fit_layers(each, inputs)
    for variable in model.variables:
        _rename_variable(variable)
    return changes


def _fit_layers(model: keras.Model, inputs: set[int]) -> list[Renamed]:
    """Changes the names of the layers of a model, but not of its nested models, nor of the input layers of `inputs`."""
    changes, names = [], {layer.name for layer in model.layers}
    for layer in model.layers:
        if _is_allowed(layer.name) or isinstance(layer, keras.Model) or _reads(layer, inputs):
            continue
        changes.append(_rename("layer", _fitted(layer.name, names.__contains__), layer))
        names.add(layer.name)
    return changes


def _rename_variable(variable: Any) -> None:
    """Changes the name of a variable in TensorFlow, which begins with the names that its layers had in the beginning.

    The name has no meaning, but the export fails if it is not allowed. A new variable would need a copy of the weights.
    """
    value: Any = getattr(variable, "value", None)
    name = str(getattr(value, "_handle_name", ""))
    parts = name.removesuffix(":0").split("/")
    if name and not all(map(_is_allowed, parts)):
        value._handle_name = "/".join(_fitted(part, lambda name: False) for part in parts) + ":0"


def _models(model: keras.Model) -> Iterator[keras.Model]:
    """Yields a model and its nested models, each once."""
    found, queue = {id(model)}, [model]
    while queue:
        each = queue.pop()
        yield each
        nested = [layer for layer in each._flatten_layers(include_self=False) if isinstance(layer, keras.Model)]
        queue += [layer for layer in nested if id(layer) not in found]
        found |= {id(layer) for layer in nested}


def _reads(layer: Any, inputs: set[int]) -> bool:
    """Returns whether the layer is the input layer of one of the `inputs`, a set of the `id` of tensors."""
    is_input = isinstance(layer, keras.layers.InputLayer) and bool(layer._inbound_nodes)
    return is_input and any(id(x) in inputs for x in layer._inbound_nodes[0].output_tensors)


def _rename(what: str, new: str, *things: Any) -> Renamed:
    before = [(thing, thing.name) for thing in things]

    def set_names(names: list[tuple[Any, str]]) -> None:
        for thing, name in names:
            thing.name = name

    set_names([(thing, new) for thing in things])
    return Renamed(what, before[0][1], new, lambda: set_names(before))


def _is_allowed(name: str) -> bool:
    return _ALLOWED.fullmatch(name) is not None


def _argument(name: str) -> str:
    """Returns the name of the argument that TensorFlow makes from the name of an input."""
    return re.sub(r"\W", "_", name, flags=re.ASCII).lower()


def _fitted(name: str, is_taken: Callable[[str], bool]) -> str:
    """Returns an allowed name that is similar to `name`."""
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    base = re.sub(r"[^A-Za-z0-9_.-]+", "_", letters).lstrip("_-.") or "unnamed"
    base = f"{base}_input" if base in _NO_INPUTS else base
    number = 1
    while is_taken(new := base if number == 1 else f"{base}_{number}"):
        number += 1
    return new
