"""Runs signatures with OpenVINO, from IR files that were compared with TensorFlow's answers.

What they were not compared for is handed to TensorFlow, where it is installed: other shapes than the signature
declares, sizes that it refuses, empty arrays, values beyond the limit, NaN and infinities, and what OpenVINO fails at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import Internal, InvalidArgument
from ...wire.signature import SignatureDef
from ..base import Arrays, Runner
from ..tensorflow.engine import TensorFlow
from .files import OpenVinoFiles

log = logging.getLogger(__name__)

_MOST, _LEAST = np.maximum.reduce, np.minimum.reduce  # what max() and min() come to


def make_core(threads: int = 1) -> Any:
    """An OpenVINO core, set up as the server runs models and as the conversion measures them.

    Args:
        threads: that work on one run. More than one wait for each other in busy loops, which costs other processes
            the cores that they wait on.
    """
    import openvino

    core = openvino.Core()
    settings = {
        "CPU_DENORMALS_OPTIMIZATION": True,  # denormal numbers count as zero, as they do in TensorFlow
        "ENABLE_CPU_PINNING": False,  # pinned threads would put several server processes onto the same core
        "INFERENCE_PRECISION_HINT": "f32",  # as trained: some CPUs would otherwise compute in bf16
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core.set_property("CPU", settings)
    return core


class OpenVino:
    """The engine. One OpenVINO core serves all models of a process.

    Args:
        files: where IR files are found.
        tensorflow: takes what OpenVINO is not to answer.
        threads: that work on one run.
    """

    def __init__(self, files: OpenVinoFiles, tensorflow: TensorFlow | None = None, threads: int = 1) -> None:
        self._files = files
        self._tensorflow = tensorflow
        self._core = make_core(threads)

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Those that there are files for, made from just this SavedModel."""
        index = self._files.of(folder)
        entries = {name: entry for name, entry in index.signatures.items() if name in signatures} if index else {}
        compiled: dict[str, Any] = {}
        runners: dict[str, Runner] = {}
        others: Mapping[str, Runner] = {}
        if self._tensorflow and entries:
            others = self._tensorflow.when_needed(folder, {name: signatures[name] for name in entries})
        for name, entry in entries.items():
            try:
                if entry.file not in compiled:
                    compiled[entry.file] = self._core.compile_model(entry.file, "CPU")
                runners[name] = OpenVinoRunner(
                    compiled[entry.file], signatures[name], entry.limit, others.get(name), entry.least
                )
            except (RuntimeError, ValueError, KeyError) as error:
                log.warning("%s: unusable OpenVINO file (%s): passed over", entry.file, str(error).splitlines()[-1:])
                if name in others:
                    others[name].close()
        return runners

    def close(self) -> None:
        """Nothing is to be ended."""


class OpenVinoRunner:
    """A compiled model and a pool of its inference requests, as many as were ever needed at once.

    Args:
        compiled: its inputs are called in0, in1, … and its outputs out0, out1, … in the order of the signature's.
        signature: the signature.
        limit: the largest magnitude of values that it may be asked for.
        other: takes what is not for OpenVINO; without it, OpenVINO answers all that has the right shape.
        least: the smallest size that it may be asked for where the signature leaves one open, the batch apart.
    """

    engine = "openvino"

    def __init__(
        self, compiled: Any, signature: SignatureDef, limit: float, other: Runner | None = None, least: int = 1
    ) -> None:
        from openvino import Tensor

        self._compiled = compiled
        self._tensor = Tensor
        self._limit = limit
        self._least = least
        self._other = other
        inputs, outputs = _positions(compiled.inputs), _positions(compiled.outputs)
        self._inputs = []
        for number, (name, spec) in enumerate(sorted(signature.inputs.items())):
            at = inputs[f"in{number}"]
            element = compiled.inputs[at].get_element_type()
            self._inputs.append((name, at, element, spec, spec.dtype.numpy.kind == "f"))
        self._outputs = {name: outputs[f"out{at}"] for at, name in enumerate(sorted(signature.outputs))}
        self._idle: list[Any] = []  # the last one used is the next one used

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        tensors = []
        for name, index, element, spec, is_float in self._inputs:
            array = inputs[name]
            if not spec.accepts(array.shape) or self._least > 1 and self._is_too_small(spec.shape or (), array.shape):
                if self._other is None:
                    at_least = f" of at least {self._least}" if self._least > 1 else ""
                    raise InvalidArgument(
                        f"Expected shape {list(spec.shape or ())}{at_least} for input {name}. "
                        f"Received: {list(array.shape)}"
                    )
                return self._other(inputs, outputs)
            if self._other is not None and (not array.size or is_float and not self._is_within_limit(array)):
                return self._other(inputs, outputs)
            flags = array.flags
            if not (flags.c_contiguous and flags.aligned):
                array = array.copy()
            tensors.append((index, self._tensor(array, array.shape, element), array))  # shares the array's memory
        try:
            return self._run(tensors, outputs)
        except RuntimeError as error:
            if self._other is None:
                raise Internal(f"OpenVINO: {str(error).strip().splitlines()[-1]}") from error
            return self._other(inputs, outputs)

    def _is_too_small(self, declared: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        pairs = zip(declared[1:], shape[1:], strict=True)
        return any(want < 0 and size < self._least for want, size in pairs)

    def _is_within_limit(self, array: np.ndarray[Any, Any]) -> bool:
        return bool(_MOST(array, None) <= self._limit and _LEAST(array, None) >= -self._limit)  # False for NaN

    def _run(self, tensors: list[tuple[int, Any, Any]], outputs: Sequence[str]) -> Arrays:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            for index, tensor, _ in tensors:
                request.set_input_tensor(index, tensor)
            request.infer(share_outputs=True)
            return {name: request.get_output_tensor(self._outputs[name]).data.copy() for name in outputs}
        finally:
            self._idle.append(request)

    def close(self) -> None:
        self._idle = []
        self._compiled = None
        if self._other is not None:
            self._other.close()


def _positions(ports: Sequence[Any]) -> dict[str, int]:
    """The position of each input or output by name."""
    return {name: at for at, port in enumerate(ports) for name in port.names}
