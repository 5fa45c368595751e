"""Writes a version's card: the layers of the model as a graph, and what is known about its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from .. import card

MAX_LAYERS = 500

Layer = dict[str, Any]


def write_card(folder: Path, model: keras.Model, about: Mapping[str, Any]) -> None:
    """Writes the card of the version in `folder`. `about` has further entries, see `training.about`."""
    content = {**about, "layers": layers(model)[:MAX_LAYERS], "parameters": model.count_params()}
    file = folder / card.FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def layers(model: keras.Model) -> list[Layer]:
    """Returns the layers of a functional model in the order of their calls.

    Each layer has `name`, `type` (its class), `shapes` (a shape for each output; None is the number of examples, or a
    length that differs between examples), `parameters` (0 if an earlier layer in the list has the same weights),
    `inputs` (the places of the layers before it in the list) and `group` (the names of the models that contain the
    layer, such as "encoder"). Returns [] for a model without a graph, such as a subclass of `keras.Model`.
    """
    found: list[Layer] = []
    if (graph := _graph(model)) is not None:
        _add(graph, {}, "", found, set())
    return found


def _graph(layer: Any) -> Any:
    """Returns the functional model of a layer that is a functional or sequential model, and None for other layers."""
    if isinstance(layer, keras.Sequential):
        return layer._functional
    return layer if isinstance(layer, keras.Model) and hasattr(layer, "_nodes_by_depth") else None


def _add(graph: Any, sources: dict[int, int], group: str, found: list[Layer], counted: set[int]) -> None:
    """Adds the layers of a graph.

    Args:
        graph: a functional model.
        sources: the place of the layer that computes a tensor, by the id of the tensor.
        group: the models around the layers.
        found: the list of layers.
        counted: the ids of the layers whose parameters are in the list.
    """
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            layer, outputs = node.operation, node.output_tensors
            if node.is_input and id(outputs[0]) in sources:
                continue  # the input of an inner model: its source is outside
            if (inner := _graph(layer)) is not None:
                inputs = keras.tree.flatten(inner.inputs)
                sources |= {id(own): sources[id(given)] for own, given in zip(inputs, node.input_tensors, strict=True)}
                _add(inner, sources, f"{group}/{layer.name}".lstrip("/"), found, counted)
                results = keras.tree.flatten(inner.outputs)
                sources |= {id(out): sources[id(own)] for out, own in zip(outputs, results, strict=True)}
                continue
            is_new = isinstance(layer, keras.Layer) and id(layer) not in counted
            counted.add(id(layer))
            sources |= {id(out): len(found) for out in outputs}
            found.append(
                {
                    "name": layer.name,
                    "type": _type(layer),
                    "shapes": [list(out.shape) for out in outputs],
                    "parameters": layer.count_params() if is_new else 0,
                    "inputs": sorted({sources[id(given)] for given in node.input_tensors}),
                    "group": group,
                }
            )


def _type(layer: Any) -> str:
    """Returns the class of a layer, with the layer that it wraps and its activation: "Dense, relu"."""
    name = type(layer).__name__
    if isinstance(wrapped := getattr(layer, "layer", None) or getattr(layer, "forward_layer", None), keras.Layer):
        name += f" of {type(wrapped).__name__}"
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name if activation == "linear" else f"{name}, {activation}"
