"""Models that are graphs of operations, without layers: SavedModels, ONNX files, TensorFlow.js's graph models."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from .. import saved_model
from ..engines.graph import Graph
from ..errors import FailedPrecondition
from . import table
from .verdict import TARGETS, Verdict

_LAYERS = ("keras", "keras2", "tfjs_layers", "dl4j")  # want layers
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
# What every converter takes away before it looks: calls, variables, checks.
_AROUND = frozenset(
    "Placeholder Const NoOp Identity IdentityN PartitionedCall StatefulPartitionedCall VarHandleOp ReadVariableOp "
    "Assert StopGradient PreventGradient".split()
)
_ONNX_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_FIRST = frozenset({b"NCHW", b"NCDHW"})
_SOURCE = "the model that it was made of, as a .keras file"


def examine_graph(kind: str, path: Path) -> list[Verdict]:
    """The verdicts on the graph at `path`; `kind` is one of `READERS`.

    Raises:
        ServingError: it is damaged, or what reads it is not installed.
    """
    return READERS[kind](path)


def _saved_model(path: Path) -> list[Verdict]:
    nodes = list(used(saved_model.read_meta_graph(path)))
    names = {node.op for node in nodes} - _AROUND
    foreign, python = names - operations("tensorflow"), names & _PYTHON
    stopped: dict[str, tuple[str, str]] = {
        **dict.fromkeys(_LAYERS, ("a SavedModel holds operations, not layers", _SOURCE)),
        **_lacking("tfjs_graph", names - operations("tfjs"), "outside of the model"),
        **_lacking("onnx", names - operations("tf2onnx"), "outside of the model"),
        **_lacking("openvino", names - operations("openvino"), "outside of the model"),
    }
    first = sorted({node.op for node in nodes if node.attr["data_format"].s in _FIRST})
    for target in ("tensorflow_serving", "embedded"):
        stopped |= _lacking(target, python, "written with TensorFlow's operations")
        stopped |= _lacking(target, foreign, "written with TensorFlow's operations")
        if first:
            reason = f"{', '.join(first)} with channels first, which TensorFlow does not have on a CPU"
            stopped[target] = (reason, 'data_format="channels_last" in the model that it was made of')
    return _verdicts(stopped)


def used(meta_graph: Any) -> Iterator[Any]:
    """The nodes that the signatures need, and those of the functions that they call."""
    graph = Graph(meta_graph.graph_def)
    for signature in saved_model.signatures_of(meta_graph).values():
        yield from graph.nodes_of(signature)


def _onnx(path: Path) -> list[Verdict]:
    try:
        import onnx
    except ImportError:
        raise FailedPrecondition("Expected onnx. Received: none (pip install 'keras-gallery[convert]')") from None
    model = onnx.load(str(path), load_external_data=False)
    own = {f"{node.domain}.{node.op_type}" for node in model.graph.node if node.domain not in _ONNX_DOMAINS}
    no_layers = ("an ONNX file holds operations, not layers", _SOURCE)
    other = ("an ONNX file is read by others", "gallery import makes a SavedModel of it, where a converter serves")
    return _verdicts(
        dict.fromkeys(_LAYERS, no_layers)
        | dict.fromkeys(("tensorflow_serving", "embedded", "tfjs_graph"), other)
        | _lacking("onnx", own, "written with ONNX's operations")
        | _lacking("openvino", own, "written with ONNX's operations")
    )


def _tfjs(path: Path) -> list[Verdict]:
    only = ("a TensorFlow.js graph model is read by TensorFlow.js alone", _SOURCE)
    return _verdicts(dict.fromkeys([each for each in TARGETS if each != "tfjs_graph"], only))


def _lacking(target: str, names: Iterable[str], remedy: str) -> dict[str, tuple[str, str]]:
    """Nothing, or why the target stops and what to do: `names` are operations that it lacks."""
    found = sorted(names)
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    return {target: (f"it has no {shown}", f"do what takes {shown} {remedy}")} if found else {}


def _verdicts(stopped: Mapping[str, tuple[str, str]]) -> list[Verdict]:
    return [
        Verdict(target, False, "", *stopped[target]) if target in stopped else Verdict(target, True)
        for target in TARGETS
    ]


@functools.cache
def operations(name: str) -> frozenset[str]:
    """The operations that a converter knows: "tensorflow", "tf2onnx", "openvino" or "tfjs"."""
    if name != "tfjs":
        return frozenset(table.read("operations.json")["operations"][name].split())
    file = resources.files(__package__).joinpath("../targets/tfjs/operations.json")
    return frozenset(json.loads(file.read_text("utf-8"))["operations"])


READERS: dict[str, Callable[[Path], list[Verdict]]] = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "tfjs_graph": _tfjs,
}
