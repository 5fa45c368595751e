"""Suggests changes to a model for a target, by the rules in `remedies.json`. The first matching rule counts."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

from .layers import Layer

LAMBDA = "rewrite it as a registered class (keras.saving.register_keras_serializable) or with keras.ops operations"
UNKNOWN = "try it: gallery export compares the results"
FLAT = "build one model without nested models: call the layers of the nested model directly"
_EXPORTS = {"keras": "keras", "keras2": "h5", "dl4j": "h5", "tfjs_layers": "tfjs", "tfjs_graph": "tfjs"}
_DEFAULTS = {
    "tfjs_layers": "use a graph model, which supports more layers: gallery export NAME --to tfjs",
    "keras2": "use Keras 3, or layers that both versions have",
    "dl4j": "use layers that DL4J has, or export the model to ONNX: gallery export NAME --to onnx",
}


@functools.cache
def _rules() -> list[dict[str, Any]]:
    return list(json.loads(resources.files(__package__).joinpath("remedies.json").read_text("utf-8")))


def remedy(target: str, layer: Layer, when: Mapping[str, Any]) -> str:
    """Returns the remedy for a layer that a target cannot run.

    Args:
        target: a key of `verdict.TARGETS`.
        layer: the layer.
        when: the options that cause the problem, or {} if the target does not have the layer at all.
    """
    for rule in _rules():
        options = rule.get("options")
        if target not in rule.get("targets", (target,)) or bool(options) != bool(when):
            continue
        if options and not set(options) & set(when):
            continue
        if any(fnmatchcase(layer.kind, pattern) for pattern in rule.get("layers", ("*",))):
            return str(rule["remedy"])
    return _DEFAULTS.get(target, "use layers that this runtime supports")


def for_project_class(target: str) -> str:
    """Returns the remedy for a class of this project."""
    return f"gallery export NAME --to {_EXPORTS[target]} writes the model without this class"


def for_custom_class(target: str) -> str:
    """Returns the remedy for a class that belongs neither to Keras nor to this project."""
    if target in ("keras", "keras2"):
        return "import the module that defines and registers it before you load the model"
    if target in ("tfjs_layers", "dl4j"):
        return "use Keras's own layers instead, or register a class of that name in the target"
    if target in ("tensorflow_serving", "embedded"):
        return (
            "gallery import FILE --classes MODULE, with the Python module that defines the class, such as "
            "my_project.layers"
        )
    return "use Keras's own layers instead, or convert the SavedModel that gallery import --classes MODULE writes"
