"""Reads the warm-up requests of a version, which the server replays when it loads the version."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import warmup_file
from ..engines.base import Arrays
from ..errors import FailedPrecondition
from ..wire import predict
from ..wire.model_spec import model_spec
from ..wire.signature import DEFAULT_SIGNATURE
from . import predictions
from .checks import CLASSIFY, REGRESS, check_dtypes, check_inputs, check_outputs
from .predictions import INPUTS, Defined, Head, Task

log = logging.getLogger(__name__)


class Run(NamedTuple):
    """One run of a signature: its inputs and the names of the outputs."""

    signature: str
    inputs: Arrays
    outputs: Sequence[str]


class Record(NamedTuple):
    """A recorded request.

    Attributes:
        kind: the method of the request: "predict", "classify", "regress" or "multi".
        request: a `predict.PredictRequest` for "predict"; for the other methods, the protocol buffer message.
    """

    kind: str
    request: Any

    def runs(self, signatures: Mapping[str, Defined]) -> list[Run]:
        """Returns the runs of signatures that answer the request. Raises the ServingError that the API would return."""
        if self.kind == "predict":
            return [_predict_run(self.request, signatures)]
        rows = predictions.serialized_examples(self.request.input)
        return [Run(head.definition.name, {INPUTS: rows}, head.outputs) for head in self._heads(signatures)]

    def _heads(self, signatures: Mapping[str, Defined]) -> list[Head]:
        if self.kind == "multi":
            tasks = [Task(model_spec(task.model_spec), task.method_name) for task in self.request.tasks]
            return predictions.find_heads(tasks, signatures, check_method=False)
        method = CLASSIFY if self.kind == "classify" else REGRESS
        return [predictions.find_head(method, self.request.model_spec.signature_name, signatures, check_method=False)]


def _predict_run(request: predict.PredictRequest, signatures: Mapping[str, Defined]) -> Run:
    name = (request.spec.signature if request.spec else "") or DEFAULT_SIGNATURE
    if name not in signatures:
        raise FailedPrecondition(f'Serving signature key "{name}" not found.')
    definition = signatures[name].definition
    arrays = check_inputs(definition, request.inputs)
    outputs = check_outputs(definition, request.outputs)
    check_dtypes(definition, arrays)
    return Run(name, arrays, outputs)


def read(folder: Path) -> Iterator[Record]:
    """Reads the recorded requests of the version in `folder`.

    Reads at most 1,000 requests. Skips unreadable and unsupported requests with a warning.
    """
    for logged in warmup_file.read(folder):
        record = _record(logged)
        if record is None:
            log.warning("%s: skipped a warm-up request of an unsupported kind", folder)
        else:
            yield record


def _record(logged: Any) -> Record | None:
    match logged.WhichOneof("log_type"):
        case "predict_log":
            return Record("predict", predict.decode_request(logged.predict_log.request.SerializeToString()))
        case "classify_log":
            return Record("classify", logged.classify_log.request)
        case "regress_log":
            return Record("regress", logged.regress_log.request)
        case "multi_inference_log":
            return Record("multi", logged.multi_inference_log.request)
    return None
