"""Lists the layers of a model configuration, with the options that some runtimes do not support."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MODELS = frozenset({"Functional", "Sequential", "Model"})
FUNCTIONS = "function"  # option: names of the custom functions that a layer calls
_INNER_LAYERS = ("layer", "backward_layer", "cell", "layers", "cells")  # options that contain layers
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.\\/>-]*")  # names that TensorFlow allows for a scope


@dataclass(frozen=True)
class Layer:
    """A layer of a configuration.

    Attributes:
        name: names of the models that contain the layer, then the layer's name, such as "encoder/code".
        kind: the layer's class. If Keras does not have the class, the name of the package comes first:
            "keras_gallery>Corruption".
        options: the configuration of the layer as plain values, and the options that `layers_of` adds.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_custom(self) -> bool:
        """Whether the layer needs code that Keras does not have."""
        return ">" in self.kind


def layers_of(config: Mapping[str, Any]) -> list[Layer]:
    """Lists all layers of a model: the model itself, then its layers, each followed by the layers inside it.

    `options` gets these additional entries, if they apply:

    - the model: `several_inputs`, `several_outputs`, `named_inputs`, `named_outputs`
    - a nested model: `nested`
    - a layer: `shared`, `initial_state`, `constant_state`, `odd_name`, and `function`, the names of the custom
      functions that it calls
    - a wrapper: `of`, the class of the wrapped layer
    - an input with unknown sizes: `open_images` if it has four or more axes, else `open_sizes`
    - an input with a fixed batch size: `fixed_batch`

    Args:
        config: `{"class_name": ..., "config": ...}` of Keras 2 or 3.
    """
    return list(_layers(config, None))


def _layers(config: Mapping[str, Any], path: str | None) -> Iterator[Layer]:
    """Yields a model or layer, and the layers in it.

    Args:
        config: configuration of the model or layer.
        path: name of the model that contains the model or layer. None for the outermost model, "" for the layers of the
            outermost model.
    """
    inner = config.get("config")
    inner = {"layers": inner} if isinstance(inner, list) else inner if isinstance(inner, Mapping) else {}
    class_name = _kind(config)
    name = str(inner.get("name") or config.get("name") or class_name)
    full = f"{path}/{name}" if path else name
    options = {key: _plain(value) for key, value in inner.items() if key not in _INNER_LAYERS}
    if isinstance(options.get(FUNCTIONS), str):  # a function of TensorFlow
        options[FUNCTIONS] = [options[FUNCTIONS]]
    options |= {FUNCTIONS: names} if (names := sorted(_functions(inner))) else {}
    options |= {"odd_name": True} if not _PLAIN_NAME.fullmatch(name) else {}
    options |= {"shared": True} if len(config.get("inbound_nodes") or ()) > 1 else {}
    options |= _state_options(config.get("inbound_nodes") or ())
    if "layers" in inner and class_name in MODELS:
        options |= {"nested": True} if path is not None else _endpoint_options(inner)
    elif wrapped := [_kind(each) for each in _inner_layers(inner)]:
        options |= {"of": wrapped[0]}
    if class_name == "InputLayer" and path == "":
        options |= _size_options(inner)
    yield Layer(full, class_name, options)
    masks = _masks(inner)
    for child in _inner_layers(inner):
        if child.get("name") not in masks:
            yield from _layers(child, "" if path is None else full)


def _masks(inner: Mapping[str, Any]) -> set[str]:
    """Returns the names of the operations whose results are only used as masks. Keras can recreate these operations."""
    nodes = {str(each.get("name")): (_kind(each), each.get("inbound_nodes") or ()) for each in _inner_layers(inner)}
    masks = {name for name, (class_name, _) in nodes.items() if class_name in ("ops.NotEqual", "ops.Any")}
    used = set(_sources(inner.get("output_layers")))
    for name, (_, calls) in nodes.items():
        for call in calls if name not in masks else ():
            if isinstance(call, Mapping):
                kwargs = {key: value for key, value in (call.get("kwargs") or {}).items() if key != "mask"}
                used |= set(_sources([call.get("args"), kwargs]))
    return masks - used


def _sources(value: Any) -> Iterator[str]:
    """Yields the names of the layers in the arguments of a call, or in a list of a model's outputs."""
    if isinstance(value, Mapping):
        yield from _sources(list(value.values()))
    elif isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str):
            yield value[0]
        for each in value:
            yield from _sources(each)


def _state_options(nodes: Iterable[Any]) -> dict[str, bool]:
    """Returns the options of a recurrent layer that is called with an initial state, or with a constant as state."""
    kwargs = (node.get("kwargs") for node in nodes if isinstance(node, Mapping))
    states = [each["initial_state"] for each in kwargs if isinstance(each, Mapping) and each.get("initial_state")]
    if not states:
        return {}
    constant = any(not _is_computed(part) for state in states for part in (state if _is_list(state) else [state]))
    return {"initial_state": True} | ({"constant_state": True} if constant else {})


def _is_list(state: Any) -> bool:
    """Whether an initial state is a list of tensors, not one tensor or its name `[layer, call, output]`."""
    return isinstance(state, list) and not (state and isinstance(state[0], str))


def _is_computed(value: Any) -> bool:
    """Whether a value in the arguments of a call is the output of a layer."""
    if isinstance(value, Mapping):
        return value.get("class_name") == "__keras_tensor__" or any(map(_is_computed, value.values()))
    if not isinstance(value, list):
        return False
    is_output = len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int)
    return is_output or any(map(_is_computed, value))


def _inner_layers(inner: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in _INNER_LAYERS:
        value = inner.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping) and "class_name" in each:
                yield each


def _kind(config: Mapping[str, Any]) -> str:
    name, module = str(config.get("class_name")), str(config.get("module") or "")
    registered = str(config.get("registered_name") or "")
    if ">" in registered:  # Keras writes no module for a registered class
        return registered
    if module.split(".")[0] in ("keras", "") and ">" not in name:
        return f"ops.{name}" if ".ops." in f"{module}." else name
    return name if ">" in name else f"{module}>{name}"


def _plain(value: Any) -> Any:
    """Simplifies a value: an object becomes the name of its class, a dtype policy or a function becomes its name."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    class_name, inner = value.get("class_name"), value.get("config")
    if class_name == "__tuple__":
        return _plain(value.get("items"))
    if class_name == FUNCTIONS:
        return inner
    if isinstance(class_name, str) and class_name.endswith("Policy") and isinstance(inner, Mapping):
        return inner.get("name") or f"{inner.get('mode')}_from_{inner.get('source_name')}"
    return class_name


def _functions(value: Any) -> Iterator[str]:
    """Yields the names of custom functions ("lambda" if unnamed), and of custom classes that are not layers."""
    if isinstance(value, list):
        for each in value:
            yield from _functions(each)
    elif isinstance(value, Mapping):
        class_name = value.get("class_name")
        if class_name == FUNCTIONS:
            yield str(value.get("registered_name") if ">" in str(value.get("registered_name")) else value.get("config"))
        elif class_name == "__lambda__":
            yield "lambda"
        elif isinstance(class_name, str) and ">" in _kind(value):
            yield _kind(value)
        for key, each in value.items():
            if key not in _INNER_LAYERS:
                yield from _functions(each)


def _endpoint_options(inner: Mapping[str, Any]) -> dict[str, bool]:
    """Returns the options that describe the inputs and outputs of the model."""
    options = {}
    for key in ("inputs", "outputs"):
        ends = inner.get(key.replace("s", "_layers"))
        if isinstance(ends, Mapping):
            options[f"named_{key}"] = True
        # A single input or output is ["name", 0, 0], in Keras 2 [["name", 0, 0]].
        if isinstance(ends, Mapping | list) and len(ends) > 1 and not isinstance(next(iter(ends)), str):
            options[f"several_{key}"] = True
    return options


def _size_options(inner: Mapping[str, Any]) -> dict[str, bool]:
    shape = _plain(inner.get("batch_shape") or inner.get("batch_input_shape") or [])
    if not isinstance(shape, list) or not shape:
        return {}
    options = {"fixed_batch": True} if shape[0] is not None else {}
    if None in shape[1:]:
        options["open_images" if len(shape) > 3 else "open_sizes"] = True
    return options
