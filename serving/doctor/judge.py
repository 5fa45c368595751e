"""Decides which targets can run the layers of a model configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from . import remedies, table
from .layers import FUNCTIONS, MODELS, Layer, layers_of
from .verdict import TARGETS, Verdict

PROJECT = "keras_gallery>"  # package of this project's layers
# Classes without rows of their own in the tables. They are measured as parts of other layers.
_UNMEASURED = frozenset({*MODELS, "InputLayer", "SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells"})
COLUMNS = {"tensorflow_serving": "saved_model", "embedded": "saved_model"}  # target → column of the tables
# Targets that get a graph of operations. For these targets, the class of a layer does not matter.
GRAPHS = frozenset({"tensorflow_serving", "embedded", "tfjs_graph", "onnx", "openvino"})
# Layers that run code from the file, or from another file.
RUNNING_CODE = frozenset({"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
CHANGED_BY_IMPORT = frozenset({"odd_name", "ragged", "sparse"})  # options
_LONGEST = 60  # maximum number of characters of a name


# Options that `layers_of` adds → words for the user. Other options have the form "use_bias=False".
_WORDS = {
    "fixed_batch": "a fixed batch size",
    "constant_state": "a constant as initial_state",
    "initial_state": "an initial_state",
    "named_inputs": "a dictionary of inputs",
    "named_outputs": "a dictionary of outputs",
    "nested": "a nested model",
    "odd_name": "this name",
    "of": "a {} inside",
    "open_images": "images of any size",
    "open_sizes": "sequences of any length",
    "several_inputs": "several inputs",
    "several_outputs": "several outputs",
    "shared": "several calls",
}


class Finding(NamedTuple):
    """A reason why a target cannot run a layer, and a remedy.

    Attributes:
        layer: the layer.
        reason: why the target cannot run it.
        remedy: what to change.
        options: the options of the layer that the target does not support, such as "recurrent_dropout=0.2", or "".
        needs: the user's own class or function that the target would need, or "".
    """

    layer: Layer
    reason: str
    remedy: str
    options: str = ""
    needs: str = ""


def examine(config: Mapping[str, Any], given: Collection[str] = ()) -> list[Verdict]:
    """Returns a verdict for each target on a model, in the order of `TARGETS`.

    Args:
        config: `{"class_name": ..., "config": ...}` of a model of Keras 3, or of Keras 2 after
            `importer.keras2.repair`.
        given: names of the user's own classes and functions that the import can load.
    """
    layers = layers_of(config)
    findings = {target: [each for layer in layers for each in _findings(target, layer)] for target in TARGETS}
    return [
        _verdict(target, [each for each in found if each.needs.rpartition(">")[2] not in given])
        for target, found in findings.items()
    ]


def obstacle(config: Mapping[str, Any], *, trust: bool) -> str:
    """Returns why a server cannot serve a model, and what to change. Returns "" if nothing is known against it.

    Leaves out custom classes, whose code an import can load, and options that an import changes.

    Args:
        config: a configuration, as in `examine`.
        trust: whether code in the file is allowed to run.
    """
    for layer in layers_of(config):
        if layer.is_custom or (layer.kind in RUNNING_CODE and not trust) or layer.kind == "Lambda":
            continue  # the allowlist of the import refuses these layers, if they are not trusted
        for row in table.matching_rows(layer):
            reason = row["no"].get(COLUMNS["embedded"])
            if reason and not CHANGED_BY_IMPORT & set(row["when"]):
                verdict = _verdict("embedded", [_finding("embedded", layer, row, reason)])
                return f"{verdict.layer}: {verdict.reason} ({verdict.remedy})"
    return ""


def _verdict(target: str, findings: list[Finding]) -> Verdict:
    if not findings:
        return Verdict(target, True)
    first = next((each for each in findings if not each.needs), findings[0])
    classes = () if not first.needs else tuple(dict.fromkeys(_cut(each.needs.rpartition(">")[2]) for each in findings))
    others = len({each.layer.name for each in findings}) - 1
    is_model = first.layer.kind in MODELS
    called = f"{'model' if is_model else 'layer'} '{_cut(first.layer.name)}' ({_cut(first.layer.kind)})"
    called += f" with {first.options}" if first.options else ""
    return Verdict(target, False, called, first.reason, first.remedy, others, classes)


def _cut(name: str) -> str:
    """Shortens a name, which can have any length in a file."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _findings(target: str, layer: Layer) -> Iterator[Finding]:
    """Yields the reasons why a target cannot run a layer."""
    if layer.is_custom:
        yield from _custom(target, layer, layer.kind)
        return
    for name in layer.options.get(FUNCTIONS, ()):
        yield from _custom(target, layer, name)
    if target == "dl4j":
        yield from _dl4j(layer)
        return
    column = COLUMNS.get(target, target)
    measured = False
    for row in table.matching_rows(layer):
        measured |= row["layer"] == layer.kind and (column in row.get("ok", ()) or column in row["no"])
        if reason := row["no"].get(column):
            yield _finding(target, layer, row, reason)
    # TensorFlow computes every operation of Keras.
    is_operation = column in ("keras", "saved_model") and layer.kind.startswith("ops.")
    if not measured and not is_operation and layer.kind not in _UNMEASURED:
        version = table.versions()["keras"]
        if target in COLUMNS:  # files of Keras 2 do not say whether a class is the user's own
            remedy = remedies.for_custom_class(target)
            yield Finding(layer, f"a class that Keras {version} does not have", remedy, needs=layer.kind)
        else:
            yield Finding(layer, f"not tested (Keras {version} has no such layer)", remedies.UNKNOWN)


def _finding(target: str, layer: Layer, row: table.Row, reason: str) -> Finding:
    return Finding(layer, reason, remedies.remedy(target, layer, row["when"]), _options(row, layer))


def _options(row: table.Row, layer: Layer) -> str:
    """Returns the options in the row's condition: "recurrent_dropout=0.2", or words for an option of `layers_of`."""
    options = [(key, layer.options[key]) for key in row["when"] if key in layer.options]
    return ", ".join(_WORDS.get(key, f"{key}={{}}").format(_cut(str(value))) for key, value in options)


def _custom(target: str, layer: Layer, name: str) -> Iterator[Finding]:
    """Yields the reasons why a target cannot run a class or function that Keras does not have."""
    is_ours, what = name.startswith(PROJECT), "class" if ">" in name else "function"
    called = f"a {what}" if name == layer.kind else f"{_cut(name)} is a {what}"
    if name == "lambda":
        yield Finding(layer, "a function whose code is in the file", remedies.LAMBDA)
    elif is_ours and target not in GRAPHS:
        yield Finding(layer, f"{called} of this project", remedies.for_project_class(target))
    elif not is_ours:
        reason, needs = f"{called} that Keras does not have", name if target in COLUMNS else ""
        yield Finding(layer, reason, remedies.for_custom_class(target), needs=needs)
    elif target in GRAPHS:
        for row in table.matching_rows(layer):
            if reason := row["no"].get(COLUMNS.get(target, target)):
                yield Finding(layer, reason, remedies.remedy(target, layer, row["when"]))


def _dl4j(layer: Layer) -> Iterator[Finding]:
    """Yields the reasons why DL4J cannot run a layer, according to DL4J's source and documentation."""
    known = table.read("known.json")["dl4j"]
    if layer.options.get("nested"):
        yield Finding(layer, "DL4J does not support nested models", remedies.FLAT)
        return
    if layer.kind not in (*known["layers"], *MODELS):
        yield Finding(layer, f"DL4J has no layer {_cut(layer.kind)}", remedies.remedy("dl4j", layer, {}))
        return
    for option in table.ACTIVATIONS:
        name = layer.options.get(option)
        if isinstance(name, str) and name not in known["activations"]:
            remedy = remedies.remedy("dl4j", layer, {option: name})
            yield Finding(layer, "DL4J has no such activation", remedy, f"{option}={_cut(name)}")
    for rule in known["rules"]:
        if layer.kind in rule["layers"] or rule["layers"] == ["*"]:
            if table.matches(rule["when"], layer.options):
                remedy = remedies.remedy("dl4j", layer, rule["when"])
                yield Finding(layer, rule["reason"], remedy, _options(rule, layer))
