"""The changes that mend a model for a target, by layer and option: `remedies.json`, of which the first fit counts."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

from .layers import Layer

LAMBDA = "write it as a registered class (keras.saving.register_keras_serializable) or with keras.ops operations"
UNKNOWN = "try it: gallery export compares the answers"
FLAT = "one model without models in it: call the layers of the inner one where it is called"
_EXPORTS = {"keras": "keras", "keras2": "h5", "dl4j": "h5", "tfjs_layers": "tfjs", "tfjs_graph": "tfjs"}
_OTHERWISE = {
    "tfjs_layers": "a graph model, which takes more: gallery export NAME --to tfjs",
    "keras2": "Keras 3, or layers that both have",
    "dl4j": "layers that it has, or the model as ONNX: gallery export NAME --to onnx",
}


@functools.cache
def _rules() -> list[dict[str, Any]]:
    return list(json.loads(resources.files(__package__).joinpath("remedies.json").read_text("utf-8")))


def remedy(target: str, layer: Layer, when: Mapping[str, Any]) -> str:
    """What to do about a layer that a target refuses, for the options `when` of it or, without any, for all of it."""
    for rule in _rules():
        options = rule.get("options")
        if target not in rule.get("targets", (target,)) or bool(options) != bool(when):
            continue
        if options and not set(options) & set(when):
            continue
        if any(fnmatchcase(layer.kind, pattern) for pattern in rule.get("layers", ("*",))):
            return str(rule["remedy"])
    return _OTHERWISE.get(target, "layers that it has")


def ours(target: str, name: str) -> str:
    """What to do about a class of this project."""
    return f"gallery export NAME --to {_EXPORTS[target]} writes the model without it"


def foreign(target: str) -> str:
    """What to do about a class that is neither Keras's nor this project's."""
    if target in ("keras", "keras2"):
        return "import the module that defines and registers it before the model is loaded"
    if target in ("tfjs_layers", "dl4j"):
        return "write it with Keras's own layers, or register one of that name there"
    return "write it with Keras's own layers, or name the module that defines it to gallery import"
