"""Runs signatures with OpenVINO, from the IR files that the export leaves beside a SavedModel.

`assets.extra/openvino/index.json` names the IR file of each signature and the fingerprint of the SavedModel that
they were made from; TensorFlow Serving ignores that folder. Where the fingerprint does not match, another engine
takes the model.
"""

from __future__ import annotations

import json
import logging
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import saved_model
from ..errors import Internal, InvalidArgument
from ..saved_model import SignatureDef
from .base import Arrays, Runner

FOLDER = Path("assets.extra", "openvino")
log = logging.getLogger(__name__)


def read_index(folder: Path) -> dict[str, str]:
    """IR file names by signature; empty where there are none for just this SavedModel."""
    try:
        index = json.loads((folder / FOLDER / "index.json").read_text())
        made_from, files = index["fingerprint"], dict(index["signatures"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: unreadable OpenVINO index (%r): using TensorFlow", folder, error)
        return {}
    if made_from != saved_model.fingerprint(folder):
        log.warning("%s: the OpenVINO files were made from another SavedModel: using TensorFlow", folder)
        return {}
    return {name: Path(str(file)).name for name, file in files.items()}


def make_core() -> Any:
    """An OpenVINO core, set up as the server runs models and as the export measures them."""
    import openvino

    core = openvino.Core()
    settings = {
        "ENABLE_CPU_PINNING": False,  # pinned threads would put several server processes onto the same core
        "INFERENCE_PRECISION_HINT": "f32",  # as trained: some CPUs would otherwise compute in bf16
        "PERFORMANCE_HINT": "LATENCY",
    }
    core.set_property("CPU", settings)
    return core


class OpenVino:
    """The engine. One OpenVINO core serves all models of a process."""

    def __init__(self) -> None:
        self._core = make_core()

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        index = read_index(folder)
        compiled: dict[str, Any] = {}
        runners: dict[str, Runner] = {}
        for name in signatures.keys() & index.keys():
            path = folder / FOLDER / index[name]
            try:
                if path.name not in compiled:
                    compiled[path.name] = self._core.compile_model(str(path), "CPU")
                runners[name] = OpenVinoRunner(compiled[path.name], signatures[name])
            except (RuntimeError, ValueError) as error:
                log.warning("%s: unusable OpenVINO file (%s): using TensorFlow", path, str(error).splitlines()[-1:])
        return runners

    def close(self) -> None:
        """Nothing is to be ended."""


class OpenVinoRunner:
    """A compiled model and a pool of its inference requests, as many as were ever needed at once."""

    engine = "openvino"

    def __init__(self, compiled: Any, signature: SignatureDef) -> None:
        self._compiled = compiled
        self._specs = signature.inputs
        # RuntimeError where the names are not the signature's
        self._output_index = {name: compiled.output(name).index for name in signature.outputs}
        for name in signature.inputs:
            compiled.input(name)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        for name, array in inputs.items():
            if not self._specs[name].accepts(array.shape):
                raise InvalidArgument(
                    f"Expected shape {list(self._specs[name].shape or ())} for input {name}. "
                    f"Received: {list(array.shape)}"
                )
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            results = request.infer(
                {name: np.ascontiguousarray(array) for name, array in inputs.items()}, share_inputs=True
            )
            return {name: results[self._output_index[name]] for name in outputs}
        except RuntimeError as error:
            raise Internal(f"OpenVINO: {str(error).strip().splitlines()[-1]}") from error
        finally:
            self._idle.put(request)

    def close(self) -> None:
        self._idle = queue.SimpleQueue()
        self._compiled = None
