"""Converts the graphs of an export that are not signatures, and compares the steps of its signatures with TensorFlow.

The export writes the steps, the graphs and examples into the folder of the OpenVINO files. They are removed at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...steps.base import Step, graphs_of, read_steps
from ...wire import predict
from ...wire.signature import SignatureDef
from ..base import Arrays, Runner
from .comparison import Check, Rejected, Run, RunFailed, mean_ratio, reason
from .engine import Compiler
from .files import GraphEntry, Index, Plan

PLANS, GRAPHS, EXAMPLES = "plans.json", "graphs", "examples"


def write(
    target: Path,
    plans: Mapping[str, tuple[Step, ...]],
    limits: Mapping[str, Mapping[str, int]],
    examples: Mapping[str, list[Arrays]],
) -> None:
    """Writes the steps of signatures. The caller writes a SavedModel with their graphs into the folder `GRAPHS`.

    Args:
        target: the folder of the OpenVINO files.
        plans: the steps of each signature.
        limits: by graph and input: the number of ids.
        examples: inputs of each signature.
    """
    content = {"plans": {name: [each.to_json() for each in steps] for name, steps in plans.items()}, "limits": limits}
    (target / PLANS).write_text(json.dumps(content))
    for name, inputs in examples.items():
        folder = target / EXAMPLES / name
        folder.mkdir(parents=True)
        for number, arrays in enumerate(inputs):
            spec = predict.ModelSpec(name, signature=name)
            (folder / str(number)).write_bytes(predict.encode_request(spec, arrays))


def remove(target: Path) -> None:
    """Removes what `write` and its caller have written."""
    (target / PLANS).unlink(missing_ok=True)
    for name in (GRAPHS, EXAMPLES):
        shutil.rmtree(target / name, ignore_errors=True)


def read(target: Path) -> tuple[dict[str, tuple[Step, ...]], dict[str, dict[str, int]]]:
    """Returns the steps of each signature, and the numbers of ids by graph and input."""
    if not (target / PLANS).exists():
        return {}, {}
    content = json.loads((target / PLANS).read_text())
    return {name: read_steps(each) for name, each in content["plans"].items()}, content["limits"]


def compare(
    index: Index,
    plans: Mapping[str, tuple[Step, ...]],
    rejected: Mapping[str, str],
    signatures: Mapping[str, SignatureDef],
    converter: Any,
    target: Path,
) -> Iterator[None]:
    """Adds the steps of each signature to the index, if they give the answers of TensorFlow for the examples.

    Args:
        index: has the graphs.
        plans: the steps of each signature.
        rejected: the reasons against the other graphs.
        signatures: the signatures of the SavedModel.
        converter: the converter of the SavedModel, which runs TensorFlow.
        target: the folder of the OpenVINO files.

    Yields:
        None after each signature.
    """
    compiler = Compiler(converter.core, index, signatures)
    done: dict[tuple[Step, ...], str] = {}  # a signature with these steps
    for name, steps in plans.items():
        if (same := done.setdefault(steps, name)) != name:
            index.reasons[name] = index.reasons[same]
            if same in index.plans:
                index.plans[name] = index.plans[same]
            yield
            continue
        try:
            for graph in sorted(graphs_of(steps) - index.signatures.keys() - index.graphs.keys()):
                why = index.reasons.get(graph, "no graph").removeprefix("tensorflow (").removesuffix(")")
                raise Rejected(rejected.get(graph, why))
            runner = compiler.steps(name, Plan(steps), None)
            tensorflow = converter.tensorflow(signatures[name])

            run = openvino_run(runner, list(signatures[name].outputs))
            examples = list(_examples(target, name))
            check = Check(signatures[name], tensorflow, run)
            for each in examples:
                check(each)
            times_faster = mean_ratio(examples[:1], tensorflow, run)
            index.plans[name] = Plan(steps, preferred=times_faster >= 1)
            index.reasons[name] = reason(times_faster)
        except Rejected as why:
            index.reasons[name] = f"tensorflow ({why})"
        yield


def add_graphs(index: Index, converter: Any, signatures: Mapping[str, SignatureDef], reasons: Any) -> dict[str, str]:
    """Converts graphs and adds them to the index. Returns the reasons against the others."""
    rejected = {}
    for name, signature in signatures.items():
        try:
            if reasons[name]:
                raise Rejected(reasons[name])
            index.graphs[name] = GraphEntry(converter.convert(signature)[0], signature)
        except Rejected as why:
            rejected[name] = str(why)
    return rejected


def openvino_run(runner: Runner, outputs: Sequence[str]) -> Run:
    """Returns a function that runs a signature in OpenVINO."""

    def run(inputs: Arrays) -> Arrays:
        try:
            return runner(inputs, outputs)
        except Exception:
            raise RunFailed from None

    return run


def _examples(target: Path, name: str) -> Iterator[Arrays]:
    for file in sorted((target / EXAMPLES / name).iterdir()):
        inputs = predict.decode_request(file.read_bytes()).inputs
        yield {key: array for key, array in inputs.items() if isinstance(array, np.ndarray)}
