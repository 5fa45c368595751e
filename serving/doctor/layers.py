"""A model's configuration as a plain list of its layers, with the options that runtimes trip over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MODELS = frozenset({"Functional", "Sequential", "Model"})
FUNCTIONS = "function"  # the option that names functions of the model's own that a layer calls
_HELD = ("layer", "backward_layer", "cell", "layers", "cells")  # options that are layers
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.\\/>-]*")  # what TensorFlow takes for a scope


@dataclass(frozen=True)
class Layer:
    """A layer of a configuration.

    Attributes:
        name: its own, after the names of the models that it is in: "encoder/code".
        kind: its class; where that is not one of Keras, with its package: "keras_gallery>Corruption".
        options: what it is configured with, in plain values, and what `layers_of` adds.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """Whether it needs code that Keras does not have."""
        return ">" in self.kind


def layers_of(config: Mapping[str, Any]) -> list[Layer]:
    """All layers of a model's configuration: the model itself, then its layers, each followed by those in it.

    Beside what the configuration says, `options` holds, where it is so, `several_inputs`, `several_outputs`,
    `named_inputs` and `named_outputs` of the model; `nested` of models in it; `shared`, `initial_state` and `odd_name`
    of layers; `of`, the class of the layer that a wrapper holds; `open_sizes`, `open_images` and `fixed_batch` of the
    inputs; `function`, the functions of its own that a layer calls.

    Args:
        config: `{"class_name": ..., "config": ...}`, of Keras 2 or 3.
    """
    return list(_layers(config, None))


def _layers(config: Mapping[str, Any], path: str | None) -> Iterator[Layer]:
    """Those of a model or layer that is in the one called `path`; None: it is the outermost."""
    inner = config.get("config")
    inner = {"layers": inner} if isinstance(inner, list) else inner if isinstance(inner, Mapping) else {}
    kind = _kind(config)
    name = str(inner.get("name") or config.get("name") or kind)
    full = f"{path}/{name}" if path else name
    options = {key: _plain(value) for key, value in inner.items() if key not in _HELD}
    options |= {FUNCTIONS: names} if (names := sorted(_functions(inner))) else {}
    options |= {"odd_name": True} if not _PLAIN_NAME.fullmatch(name) else {}
    options |= {"shared": True} if len(config.get("inbound_nodes") or ()) > 1 else {}
    options |= {"initial_state": True} if _has_state(config.get("inbound_nodes") or ()) else {}
    if "layers" in inner and kind in MODELS:
        options |= {"nested": True} if path is not None else _ends(inner)
    elif held := [_kind(each) for each in _held(inner)]:
        options |= {"of": held[0]}
    if kind == "InputLayer" and path == "":
        options |= _sizes(inner)
    yield Layer(full, kind, options)
    masks = _masks(inner)
    for child in _held(inner):
        if child.get("name") not in masks:
            yield from _layers(child, "" if path is None else full)


def _masks(inner: Mapping[str, Any]) -> set[str]:
    """The names of what stands among a model's layers to make masks: Keras adds that where it finds none."""
    nodes = {str(each.get("name")): (_kind(each), each.get("inbound_nodes") or ()) for each in _held(inner)}
    masks = {name for name, (kind, _) in nodes.items() if kind in ("ops.NotEqual", "ops.Any")}
    used = set(_sources(inner.get("output_layers")))
    for name, (_, calls) in nodes.items():
        for call in calls if name not in masks else ():
            if isinstance(call, Mapping):
                given = {key: value for key, value in (call.get("kwargs") or {}).items() if key != "mask"}
                used |= set(_sources([call.get("args"), given]))
    return masks - used


def _sources(value: Any) -> Iterator[str]:
    """The names of the layers in the arguments of a call, or in a list of a model's outputs."""
    if isinstance(value, Mapping):
        yield from _sources(list(value.values()))
    elif isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str):
            yield value[0]
        for each in value:
            yield from _sources(each)


def _has_state(nodes: Iterable[Any]) -> bool:
    """Whether a recurrent layer is given the state that it begins with."""
    given = (node.get("kwargs") for node in nodes if isinstance(node, Mapping))
    return any(isinstance(each, Mapping) and each.get("initial_state") is not None for each in given)


def _held(inner: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in _HELD:
        value = inner.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping) and "class_name" in each:
                yield each


def _kind(config: Mapping[str, Any]) -> str:
    name, module = str(config.get("class_name")), str(config.get("module") or "")
    registered = str(config.get("registered_name") or "")
    if module.split(".")[0] in ("keras", "") and ">" not in name:
        return f"ops.{name}" if ".ops." in f"{module}." else name
    return next((each for each in (registered, name) if ">" in each), f"{module}>{name}")


def _plain(value: Any) -> Any:
    """A number, a text, a list of these; of an object its class, of a dtype policy and of a function its name."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    kind, inner = value.get("class_name"), value.get("config")
    if kind == "__tuple__":
        return _plain(value.get("items"))
    if kind == FUNCTIONS:
        return inner
    if isinstance(kind, str) and kind.endswith("Policy") and isinstance(inner, Mapping):
        return inner.get("name") or f"{inner.get('mode')}_from_{inner.get('source_name')}"
    return kind


def _functions(value: Any) -> Iterator[str]:
    """The names of the file's own functions, `lambda` where they have none, and of its own classes of no layer."""
    if isinstance(value, list):
        for each in value:
            yield from _functions(each)
    elif isinstance(value, Mapping):
        kind = value.get("class_name")
        if kind == FUNCTIONS:
            yield str(value.get("registered_name") if ">" in str(value.get("registered_name")) else value.get("config"))
        elif kind == "__lambda__":
            yield "lambda"
        elif isinstance(kind, str) and ">" in _kind(value):
            yield _kind(value)
        for key, each in value.items():
            if key not in _HELD:
                yield from _functions(each)


def _ends(inner: Mapping[str, Any]) -> dict[str, bool]:
    """What the inputs and outputs of the model are."""
    found = {}
    for key in ("inputs", "outputs"):
        ends = inner.get(key.replace("s", "_layers"))
        if isinstance(ends, Mapping):
            found[f"named_{key}"] = True
        # One end is ["name", 0, 0], in Keras 2 [["name", 0, 0]].
        if isinstance(ends, Mapping | list) and len(ends) > 1 and not isinstance(next(iter(ends)), str):
            found[f"several_{key}"] = True
    return found


def _sizes(inner: Mapping[str, Any]) -> dict[str, bool]:
    shape = _plain(inner.get("batch_shape") or inner.get("batch_input_shape") or [])
    if not isinstance(shape, list) or not shape:
        return {}
    found = {"fixed_batch": True} if shape[0] is not None else {}
    if None in shape[1:]:
        found["open_images" if len(shape) > 3 else "open_sizes"] = True
    return found
