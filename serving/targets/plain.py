"""A model by Keras's own layers alone, as it acts at inference.

A layer of another package says what it is there by a method

    plain_call(*arguments, mask=None) -> outputs

which is given what the layer is called with in the model, symbolic tensors all, and calls Keras's own layers and
operations on them, with copies of its weights; the last one takes the layer's name. A layer that acts in training
alone gives back its input. What else is lost by that, the layer's attribute `plain_limit` says. A layer without
weights needs no method: its `call` is recorded as the `keras.ops` that it is made of.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import keras

from ..errors import FailedPrecondition
from .plain_operations import as_layers


def plain(model: keras.Model, *, flat: bool = False) -> tuple[keras.Model, list[str]]:
    """A model of Keras's own layers that answers as `model` does with `training=False`, and a note on each replacement.

    Layers and sub-models keep their names, layers that are shared stay shared. It is not compiled.

    Args:
        model: a functional or sequential one; it stays as it is.
        flat: whether the layers of sub-models are to stand in the model itself.

    Raises:
        FailedPrecondition: there is a layer that can't be told by Keras's own; it is named.
    """
    rebuilding = _Rebuilding(flat)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of masks: as when the model was built
        made = rebuilding.model(model)
    return made, list(dict.fromkeys(rebuilding.notes))


class _Rebuilding:
    def __init__(self, flat: bool) -> None:
        self.notes: list[str] = []
        self._flat = flat
        self._made: dict[int, Any] = {}  # the copies of layers and sub-models, by the id of the original
        self._names: dict[str, int] = {}  # how many copies in a flat model have a name

    def model(self, model: keras.Model) -> keras.Model:
        graph = _graph(model)
        inputs = keras.tree.map_structure(
            lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), graph.input
        )
        outputs = self._run(graph, inputs)
        try:
            return keras.Model(inputs, outputs, name=model.name)
        except ValueError as error:  # two layers of the same name, say
            reason = str(error).splitlines()[0]
            raise FailedPrecondition(f"Expected {model.name} in Keras's own layers. Received: {reason}") from error

    def _run(self, graph: Any, inputs: Any) -> Any:
        def stand_in(operation: Any) -> Any:
            return lambda *arguments, **keywords: self._call(operation, arguments, keywords)

        return graph._run_through_graph(inputs, operation_fn=stand_in)

    def _call(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The outputs of a sub-model, a layer or an operation on symbolic tensors."""
        keywords = {key: value for key, value in keywords.items() if key != "training" and value is not None}
        if isinstance(operation, keras.Model):
            if self._flat:
                return self._run(_graph(operation), arguments[0])
            if id(operation) not in self._made:
                self._made[id(operation)] = self.model(operation)
            return self._made[id(operation)](*arguments, **keywords)
        if not isinstance(operation, keras.layers.Layer):
            if (outputs := as_layers(operation, arguments, keywords)) is not None:
                return outputs
            return type(operation).from_config(operation.get_config())(*arguments, **keywords)
        if _is_keras_own(operation):
            return self._copied(operation, arguments, keywords)
        outputs = _replaced(operation, arguments, keywords)
        self.notes.append(_note(operation, [*arguments, *keywords.values()], outputs))
        return outputs

    def _copied(self, layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if id(layer) in self._made:
            return self._made[id(layer)](*arguments, **keywords)
        _refuse_foreign(layer)
        made = self._made[id(layer)] = type(layer).from_config(layer.get_config() | {"name": self._name(layer)})
        outputs = made(*arguments, **keywords)
        made.set_weights(layer.get_weights())
        if hasattr(made, "finalize_state"):  # `Normalization` computes with constants that it makes of its weights
            made.finalize_state()
        return outputs

    def _name(self, layer: Any) -> str:
        """The layer's own; in a flat model another one may have it already."""
        count = self._names[layer.name] = self._names.get(layer.name, 0) + 1
        return f"{layer.name}_{count}" if self._flat and count > 1 else str(layer.name)


def _graph(model: keras.Model) -> Any:
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not hasattr(model, "_run_through_graph"):
        raise FailedPrecondition(
            "Expected a functional or sequential model, as a subclass of Model is code. "
            f"Received: {model.name} of class {type(model).__name__}"
        )
    return model


def _is_keras_own(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _refuse_foreign(layer: Any) -> None:
    """Layers that hold code, or objects of other packages: cells, wrapped layers, activations."""
    if isinstance(layer, keras.layers.Lambda):
        raise FailedPrecondition(f"Expected layers without code of their own. Received: layer {layer.name}, a Lambda")
    for module, name in _classes(keras.saving.serialize_keras_object(layer)):
        if module.partition(".")[0] not in ("keras", "builtins") or name == "function":
            raise FailedPrecondition(
                f"Expected layers of Keras itself. Received: layer {layer.name} of class {type(layer).__name__}, "
                f"with {name} of {module}"
            )


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    """The module and the class of each object in a configuration."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str):
            yield config["module"], str(config.get("class_name"))
        config = list(config.values())
    if isinstance(config, list | tuple):
        for each in config:
            yield from _classes(each)


def _replaced(layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    if hasattr(layer, "plain_call"):
        return layer.plain_call(*arguments, **keywords)
    if layer.weights:
        raise FailedPrecondition(
            "Expected layers of Keras itself, or such as say by a method plain_call what they are. "
            f"Received: layer {layer.name} of class {type(layer).__name__}"
        )
    mask = getattr(arguments[0], "_keras_mask", None)
    if mask is not None and "mask" in inspect.signature(layer.call).parameters:
        keywords = {"mask": mask} | keywords
    return layer.call(*arguments, **keywords)


def _note(layer: Any, arguments: list[Any], outputs: Any) -> str:
    given = {id(each) for each in keras.tree.flatten(arguments)}
    names = dict.fromkeys(reversed([*_made_of(keras.tree.flatten(outputs), given)]))
    if not names:
        return f"{layer.name}: left out, it acts in training alone"
    limit = getattr(layer, "plain_limit", "")
    return f"{layer.name}: {type(layer).__name__} written as {', '.join(names)}{limit and f'; {limit}'}"


def _made_of(tensors: list[Any], given: set[int]) -> Iterator[str]:
    """The classes of the operations that lead from the given tensors to these, the last one first."""
    for each in tensors:
        if id(each) not in given:
            operation, node, _ = each._keras_history
            yield type(operation).__name__
            yield from _made_of(operation._inbound_nodes[node].input_tensors, given)
