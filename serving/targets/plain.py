"""Rebuilds a model for inference with Keras's own layers only ("plain" layers).

A layer of another package defines its replacement with a method

    plain_call(*arguments, mask=None) -> outputs

The arguments are the symbolic tensors with which the model calls the layer. The method calls Keras's own layers and
operations on these tensors, with copies of the layer's weights. The last layer or operation gets the layer's name. A
layer that is only active in training returns its input. If the replacement differs from the layer, the attribute
`plain_limit` describes the difference.

A layer without weights does not need the method: the operations that its `call` method runs replace the layer.
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
    """Returns a model of Keras's own layers. Its outputs equal the outputs of `model` with `training=False`.

    Layers and sub-models keep their names, and shared layers stay shared. The new model is not compiled.

    Args:
        model: a functional or sequential model. It is not changed.
        flat: whether to move the layers of sub-models into the model itself.

    Returns:
        the new model, and a note on each replaced layer.

    Raises:
        FailedPrecondition: a layer has no replacement, or the model is a subclass of `keras.Model`. The message names
            the layer or the model.
    """
    rebuilder = _Rebuilder(flat)
    # Keras warns about layers that drop masks. The original model drops the same masks.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        rebuilt = rebuilder.model(model)
    return rebuilt, list(dict.fromkeys(rebuilder.notes))


class _Rebuilder:
    def __init__(self, flat: bool) -> None:
        self.notes: list[str] = []
        self._flat = flat
        self._copies: dict[int, Any] = {}  # copies of layers and sub-models, by the id of the original
        self._names: dict[str, int] = {}  # number of copies, by name of the layer

    def model(self, model: keras.Model) -> keras.Model:
        graph = _graph(model)
        inputs = keras.tree.map_structure(
            lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), graph.input
        )
        outputs = self._run(graph, inputs)
        try:
            return keras.Model(inputs, outputs, name=model.name)
        except ValueError as error:  # for example two layers with the same name
            reason = str(error).splitlines()[0]
            raise FailedPrecondition(f"{model.name} cannot be rebuilt with Keras's own layers: {reason}") from error

    def _run(self, graph: Any, inputs: Any) -> Any:
        def replacement(operation: Any) -> Any:
            return lambda *arguments, **keywords: self._call(operation, arguments, keywords)

        return graph._run_through_graph(inputs, operation_fn=replacement)

    def _call(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Calls the replacement of a sub-model, layer or operation on symbolic tensors, and returns the outputs."""
        keywords = {key: value for key, value in keywords.items() if key != "training" and value is not None}
        if isinstance(operation, keras.Model):
            if self._flat:
                return self._run(_graph(operation), arguments[0])
            if id(operation) not in self._copies:
                self._copies[id(operation)] = self.model(operation)
            return self._copies[id(operation)](*arguments, **keywords)
        if not isinstance(operation, keras.layers.Layer):
            if (outputs := as_layers(operation, arguments, keywords)) is not None:
                return outputs
            return type(operation).from_config(operation.get_config())(*arguments, **keywords)
        if _is_keras_own(operation):
            return self._call_copy(operation, arguments, keywords)
        outputs = _call_replacement(operation, arguments, keywords)
        self.notes.append(_note(operation, [*arguments, *keywords.values()], outputs))
        return outputs

    def _call_copy(self, layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if id(layer) in self._copies:
            return self._copies[id(layer)](*arguments, **keywords)
        _check_only_keras(layer)
        copy = self._copies[id(layer)] = type(layer).from_config(layer.get_config() | {"name": self._name(layer)})
        outputs = copy(*arguments, **keywords)
        copy.set_weights(layer.get_weights())
        if hasattr(copy, "finalize_state"):  # `Normalization` computes with constants derived from its weights
            copy.finalize_state()
        return outputs

    def _name(self, layer: Any) -> str:
        """Returns the layer's name, with a number if another layer of a flat model has the same name."""
        count = self._names[layer.name] = self._names.get(layer.name, 0) + 1
        return f"{layer.name}_{count}" if self._flat and count > 1 else str(layer.name)


def _graph(model: keras.Model) -> Any:
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not hasattr(model, "_run_through_graph"):
        raise FailedPrecondition(
            "Expected a functional or sequential model, since a subclass of keras.Model cannot be exported. "
            f"Received: {model.name} of class {type(model).__name__}"
        )
    return model


def _is_keras_own(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _check_only_keras(layer: Any) -> None:
    """Raises FailedPrecondition if a layer contains functions, or objects of other packages, such as cells."""
    if isinstance(layer, keras.layers.Lambda):
        raise FailedPrecondition(f"Expected layers without custom code. Received: layer {layer.name}, a Lambda")
    for module, name in _classes(keras.saving.serialize_keras_object(layer)):
        if module.partition(".")[0] not in ("keras", "builtins") or name == "function":
            raise FailedPrecondition(
                f"Expected only objects of Keras. Received: layer {layer.name} of class {type(layer).__name__}, "
                f"with {name} of {module}"
            )


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    """Yields the module and the class of each object in a configuration."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str):
            yield config["module"], str(config.get("class_name"))
        config = list(config.values())
    if isinstance(config, list | tuple):
        for each in config:
            yield from _classes(each)


def _call_replacement(layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    if hasattr(layer, "plain_call"):
        return layer.plain_call(*arguments, **keywords)
    if layer.weights:
        raise FailedPrecondition(
            "Expected only Keras's own layers, or layers with a method plain_call. "
            f"Received: layer {layer.name} of class {type(layer).__name__}"
        )
    mask = getattr(arguments[0], "_keras_mask", None)
    if mask is not None and "mask" in inspect.signature(layer.call).parameters:
        keywords = {"mask": mask} | keywords
    return layer.call(*arguments, **keywords)


def _note(layer: Any, arguments: list[Any], outputs: Any) -> str:
    sources = {id(each) for each in keras.tree.flatten(arguments)}
    names = dict.fromkeys(reversed([*_operations(keras.tree.flatten(outputs), sources)]))
    if not names:
        return f"{layer.name}: left out, it is only active in training"
    limit = getattr(layer, "plain_limit", "")
    return f"{layer.name}: {type(layer).__name__} written as {', '.join(names)}{limit and f'; {limit}'}"


def _operations(tensors: list[Any], sources: set[int]) -> Iterator[str]:
    """Yields the classes of the operations between the tensors with ids `sources` and `tensors`, the last one first."""
    for each in tensors:
        if id(each) not in sources:
            operation, node, _ = each._keras_history
            yield type(operation).__name__
            yield from _operations(operation._inbound_nodes[node].input_tensors, sources)
