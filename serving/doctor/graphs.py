"""Examines models that are graphs of operations without layers: SavedModels, ONNX files, TensorFlow.js graph models."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from .. import saved_model
from ..engines.graph import Graph, writes_floats
from ..errors import FailedPrecondition
from . import remedies, table
from .layers import Layer
from .verdict import TARGETS, Verdict

_LAYERS = ("keras", "keras2", "tfjs_layers", "dl4j")  # targets that need layers
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
# Operations that every converter removes or handles: calls, variables, checks.
_IGNORED = frozenset(
    "Placeholder Const NoOp Identity IdentityN PartitionedCall StatefulPartitionedCall VarHandleOp ReadVariableOp "
    "Assert StopGradient PreventGradient".split()
)
_ONNX_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_LONGEST = 60  # maximum number of characters of a name
_CHANNELS_FIRST = frozenset({b"NCHW", b"NCDHW"})
_SOURCE = "use the original Keras model, as a .keras file"
_SIGNATURE = "save it again with tf.saved_model.save(model, folder, signatures=...), or model.export(folder) in Keras 3"
_OUTSIDE = "compute {} outside of the model"
_TENSORFLOW = "replace {} with TensorFlow's own operations"
_ONNX = "replace {} with ONNX's own operations"


def examine_graph(file_format: str, path: Path) -> list[Verdict]:
    """Returns a verdict for each target.

    Args:
        file_format: format of the model, a key of `READERS`.
        path: the file, or the folder of a SavedModel.

    Raises:
        ServingError: the file is damaged, or the package onnx is not installed.
    """
    return READERS[file_format](path)


def _saved_model(path: Path) -> list[Verdict]:
    meta_graph = saved_model.read_meta_graph(path)
    if not saved_model.signatures_of(meta_graph):
        no_signature = ("the SavedModel has no signature, so no request can run it", _SIGNATURE)
        return _verdicts(dict.fromkeys(TARGETS, no_signature))
    nodes = list(used_nodes(meta_graph))
    names = {node.op for node in nodes} - _IGNORED
    custom, python = names - operations("tensorflow"), names & _PYTHON
    stopped: dict[str, tuple[str, str]] = {
        **dict.fromkeys(_LAYERS, ("a SavedModel has operations, not layers", _SOURCE)),
        **_missing("tfjs_graph", names - operations("tfjs"), _OUTSIDE),
        **_missing("onnx", names - operations("tf2onnx"), _OUTSIDE),
        **_missing("openvino", names - operations("openvino"), _OUTSIDE),
    }
    first = sorted({node.op for node in nodes if node.attr["data_format"].s in _CHANNELS_FIRST})
    for target in ("tensorflow_serving", "embedded"):
        stopped |= _missing(target, python, _TENSORFLOW)
        stopped |= _missing(target, custom, _TENSORFLOW)
        if state := written_state(meta_graph):
            stopped[target] = state
        if first:
            reason = f"{', '.join(first)} with channels first, which TensorFlow does not support on a CPU"
            stopped[target] = (reason, 'use data_format="channels_last" in the original model')
    return _verdicts(stopped)


def written_state(meta_graph: Any) -> tuple[str, str] | None:
    """Returns why a graph keeps a state between requests, and what to change. Returns None if it keeps no state.

    The states of random generators and counters are integers, and do not count.
    """
    for node in used_nodes(meta_graph):
        if writes_floats(node):
            what = f"{_cut(node.name)} changes a variable, so that an answer depends on earlier requests of any client"
            return what, remedies.remedy("embedded", Layer("", ""), {"stateful": True})
    return None


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def used_nodes(meta_graph: Any) -> Iterator[Any]:
    """Yields the nodes that the signatures need, including the nodes of called functions."""
    graph = Graph(meta_graph.graph_def)
    for signature in saved_model.signatures_of(meta_graph).values():
        yield from graph.nodes_of(signature)


def _onnx(path: Path) -> list[Verdict]:
    try:
        import onnx
    except ImportError:
        raise FailedPrecondition("The package onnx is not installed (pip install '.[convert]')") from None
    model = onnx.load(str(path), load_external_data=False)
    custom = {f"{node.domain}.{node.op_type}" for node in model.graph.node if node.domain not in _ONNX_DOMAINS}
    no_layers = ("an ONNX file has operations, not layers", _SOURCE)
    no_reader = ("this runtime does not read ONNX files", "gallery import converts the file to a SavedModel")
    return _verdicts(
        dict.fromkeys(_LAYERS, no_layers)
        | dict.fromkeys(("tensorflow_serving", "embedded", "tfjs_graph"), no_reader)
        | _missing("onnx", custom, _ONNX)
        | _missing("openvino", custom, _ONNX)
    )


def _tfjs(path: Path) -> list[Verdict]:
    only = ("only TensorFlow.js reads a TensorFlow.js graph model", _SOURCE)
    return _verdicts(dict.fromkeys([each for each in TARGETS if each != "tfjs_graph"], only))


def _missing(target: str, names: Iterable[str], remedy: str) -> dict[str, tuple[str, str]]:
    """Returns {target: (reason, remedy)} for unsupported operations. Returns {} if `names` is empty."""
    operations = sorted(names)
    shown = ", ".join(operations[:3]) + (f" and {len(operations) - 3} more" if len(operations) > 3 else "")
    return {target: (f"unsupported operations: {shown}", remedy.format(shown))} if operations else {}


def _verdicts(stopped: Mapping[str, tuple[str, str]]) -> list[Verdict]:
    return [
        Verdict(target, False, "", *stopped[target]) if target in stopped else Verdict(target, True)
        for target in TARGETS
    ]


@functools.cache
def operations(name: str) -> frozenset[str]:
    """Returns the operations that a package supports: "tensorflow", "tf2onnx", "openvino" or "tfjs"."""
    if name != "tfjs":
        return frozenset(table.read("operations.json")["operations"][name].split())
    file = resources.files(__package__).joinpath("../targets/tfjs/operations.json")
    return frozenset(json.loads(file.read_text("utf-8"))["operations"])


READERS: dict[str, Callable[[Path], list[Verdict]]] = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "tfjs_graph": _tfjs,
}
