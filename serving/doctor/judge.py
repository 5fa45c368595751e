"""What each target says to each layer of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import remedies, table
from .layers import FUNCTIONS, MODELS, Layer, layers_of
from .verdict import TARGETS, Verdict

OURS = "keras_gallery>"  # the package of this project's layers
_BY_OTHERS = frozenset({*MODELS, "InputLayer", "SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells"})
COLUMNS = {"tensorflow_serving": "saved_model", "embedded": "saved_model"}  # of the tables, where called otherwise
GRAPHS = frozenset({"tensorflow_serving", "embedded", "tfjs_graph", "onnx", "openvino"})  # take what a layer computes


_LONGEST = 60  # characters of a name


class Finding(NamedTuple):
    """What stops a target: a layer, why, and what to do."""

    layer: Layer
    reason: str
    remedy: str


def examine(config: Mapping[str, Any]) -> list[Verdict]:
    """Which targets can take a model, by its configuration alone: a verdict each, in the order of `TARGETS`.

    Args:
        config: `{"class_name": ..., "config": ...}`, of Keras 3, or of Keras 2 as `importer.keras2` repairs it.
    """
    layers = layers_of(config)
    return [_verdict(target, [each for layer in layers for each in _findings(target, layer)]) for target in TARGETS]


def _verdict(target: str, found: list[Finding]) -> Verdict:
    if not found:
        return Verdict(target, True)
    first = found[0]
    others = len({each.layer.name for each in found}) - 1
    called = f"layer '{_cut(first.layer.name)}' ({_cut(first.layer.kind)})"
    return Verdict(target, False, called, first.reason, first.remedy, others)


def _cut(name: str) -> str:
    """A name of a file, which may be of any length."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _findings(target: str, layer: Layer) -> Iterator[Finding]:
    """What stops a target at one layer."""
    if layer.foreign:
        yield from _foreign(target, layer, layer.kind)
        return
    for name in layer.options.get(FUNCTIONS, ()):
        yield from _foreign(target, layer, name)
    if target == "dl4j":
        yield from _dl4j(layer)
        return
    column = COLUMNS.get(target, target)
    tried = False
    for row in table.concerning(layer):
        tried |= row["layer"] == layer.kind and (column in row.get("ok", ()) or column in row["no"])
        if reason := row["no"].get(column):
            yield Finding(layer, _with_options(row, layer, reason), remedies.remedy(target, layer, row["when"]))
    if not tried and layer.kind not in _BY_OTHERS:
        yield Finding(layer, f"not tried (Keras {table.versions()['keras']} has no such layer)", remedies.UNKNOWN)


def _with_options(row: table.Row, layer: Layer, reason: str) -> str:
    """The reason after the options that it is about: "recurrent_dropout=0.2: ..."."""
    options = ", ".join(f"{key}={_cut(str(layer.options[key]))}" for key in row["when"] if key in layer.options)
    return f"{options}: {reason}" if options else reason


def _foreign(target: str, layer: Layer, name: str) -> Iterator[Finding]:
    """A class or a function that Keras does not have."""
    ours, what = name.startswith(OURS), "class" if ">" in name else "function"
    called = f"a {what}" if name == layer.kind else f"{_cut(name)} is a {what}"
    if name == "lambda":
        yield Finding(layer, "a function whose code is in the file", remedies.LAMBDA)
    elif ours and target not in GRAPHS:
        yield Finding(layer, f"{called} of this project", remedies.ours(target, name))
    elif not ours:
        yield Finding(layer, f"{called} that Keras does not have", remedies.foreign(target))
    elif target in GRAPHS:
        for row in table.concerning(layer):
            if reason := row["no"].get(COLUMNS.get(target, target)):
                yield Finding(layer, reason, remedies.remedy(target, layer, row["when"]))


def _dl4j(layer: Layer) -> Iterator[Finding]:
    """By DL4J's source and documentation."""
    known = table.read("known.json")["dl4j"]
    if layer.options.get("nested"):
        yield Finding(layer, "a model in a model is no layer that it knows", remedies.FLAT)
        return
    if layer.kind not in (*known["layers"], *MODELS):
        yield Finding(layer, f"it has no {_cut(layer.kind)}", remedies.remedy("dl4j", layer, {}))
        return
    for option in table.ACTIVATIONS:
        name = layer.options.get(option)
        if isinstance(name, str) and name not in known["activations"]:
            yield Finding(
                layer, f"{option}={_cut(name)}: it has no such function", remedies.remedy("dl4j", layer, {option: name})
            )
    for rule in known["rules"]:
        if layer.kind in rule["layers"] or rule["layers"] == ["*"]:
            if table.matches(rule["when"], layer.options):
                yield Finding(
                    layer, _with_options(rule, layer, rule["reason"]), remedies.remedy("dl4j", layer, rule["when"])
                )
