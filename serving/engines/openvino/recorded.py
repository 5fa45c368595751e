"""Compares OpenVINO with recorded answers of TensorFlow, for SavedModels from elsewhere where TensorFlow is missing.

The answers are in the warm-up file of the SavedModel, if this is a log of TensorFlow Serving.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import warmup_file
from ...wire import tensor
from ...wire.signature import DEFAULT_SIGNATURE, SignatureDef
from ..base import Arrays
from .comparison import LIMITS, NARROW, Rejected, Run, RunFailed, Verdict, has_independent_rows, is_close
from .generated_inputs import Inputs

SIZE = 8  # of dynamic dimensions in the inputs for the comparison of batches with their rows
REASON = "openvino (gives the recorded answers)"


class Answer(NamedTuple):
    """A recorded request with TensorFlow's answer."""

    inputs: Arrays
    outputs: Arrays


def read(folder: Path) -> dict[str, list[Answer]]:
    """Returns the recorded answers of the SavedModel in `folder`, by signature. Skips malformed ones."""
    found: dict[str, list[Answer]] = {}
    budget = tensor.FillBudget()
    for logged in warmup_file.read(folder):
        one = logged.predict_log
        if not one.response.outputs:
            continue
        try:
            answer = Answer(_arrays(one.request.inputs, budget), _arrays(one.response.outputs, budget))
        except tensor.TensorError:
            continue
        found.setdefault(one.request.model_spec.signature_name or DEFAULT_SIGNATURE, []).append(answer)
    return found


def exist(folder: Path) -> bool:
    """Returns whether the SavedModel in `folder` has a recorded answer. Reads the file up to the first one."""
    return any(logged.predict_log.response.outputs for logged in warmup_file.read(folder))


def _arrays(protos: Mapping[str, Any], budget: tensor.FillBudget) -> Arrays:
    return {name: tensor.to_array(proto, budget) for name, proto in protos.items()}


def compare(signature: SignatureDef, answers: Sequence[Answer], openvino: Run) -> Verdict:
    """Compares OpenVINO with the recorded answers of a signature. There is no TensorFlow whose time could be compared.

    Raises Rejected if there are none, or if OpenVINO's outputs differ.
    """
    recorded = [each for each in answers if _fits(signature, each)]
    seen: set[str] = set()
    for answer in recorded:
        try:
            outputs = openvino(answer.inputs)
        except RunFailed:
            raise Rejected("OpenVINO fails") from None
        for name, want in answer.outputs.items():
            got = outputs[name]
            if got.shape != want.shape or got.dtype != want.dtype or not is_close(got, want, *NARROW):
                raise Rejected(f"OpenVINO: different values of {name}")
            seen.add(name)
    if missing := sorted(signature.outputs.keys() - seen):
        raise Rejected(f"no recorded answers with {', '.join(missing)}")
    largest = max((_largest(array) for each in recorded for array in each.inputs.values()), default=0.0)
    limit = min((each for each in LIMITS if each >= largest), default=math.inf)
    return Verdict(limit, 1, 1.0, has_independent_rows(Inputs(signature, SIZE), openvino))


def _fits(signature: SignatureDef, answer: Answer) -> bool:
    specs = signature.inputs
    return (
        answer.outputs.keys() <= signature.outputs.keys()
        and answer.inputs.keys() == specs.keys()
        and all(array.dtype == specs[name].dtype.numpy for name, array in answer.inputs.items())
        and all(specs[name].accepts(array.shape) for name, array in answer.inputs.items())
    )


def _largest(array: Any) -> float:
    """Returns the largest magnitude of the finite floats in an array, 0 for other dtypes."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0)) if array.dtype.kind == "f" else 0.0
