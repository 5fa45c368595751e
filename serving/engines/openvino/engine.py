"""Runs signatures with OpenVINO, from IR files whose outputs were compared with TensorFlow's.

If TensorFlow is installed, it runs the requests that the comparison did not cover: shapes other than the declared
shape, dimensions that are too small, empty arrays, values beyond the limit, NaN and infinities. TensorFlow also runs
the requests for which OpenVINO raises an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import Internal, InvalidArgument
from ...steps.base import graphs_of
from ...wire.signature import SignatureDef, TensorSpec
from ..base import Arrays, Runner, raise_in_event_loop
from ..tensorflow import library
from ..tensorflow.engine import TensorFlow
from .files import Entry, Index, OpenVinoFiles, Plan
from .steps import Refusing, StepsRunner

log = logging.getLogger(__name__)

_MAXIMUM, _MINIMUM = np.maximum.reduce, np.minimum.reduce  # like array.max() and array.min(), with less overhead


def make_core(threads: int = 1) -> Any:
    """Returns an OpenVINO core with the settings for serving. The conversion measures with the same settings.

    Args:
        threads: number of threads for one run. More than one thread takes CPU time from other processes, because the
            threads wait for each other in busy loops.
    """
    import openvino

    core = openvino.Core()
    settings = {
        "CPU_DENORMALS_OPTIMIZATION": True,  # denormal numbers count as zero, as in TensorFlow
        "ENABLE_CPU_PINNING": False,  # with pinned threads, several server processes would share one core
        "INFERENCE_PRECISION_HINT": "f32",  # otherwise some CPUs would compute in bf16
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core.set_property("CPU", settings)
    return core


class OpenVino:
    """The OpenVINO engine. One OpenVINO core runs all models of a process.

    Args:
        files: finds the IR files of a SavedModel.
        tensorflow: runs the requests that OpenVINO must not run.
        threads: number of threads for one run.
    """

    def __init__(self, files: OpenVinoFiles, tensorflow: TensorFlow | None = None, threads: int = 1) -> None:
        self._files = files
        self._tensorflow = tensorflow
        self._core = make_core(threads)

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Returns a runner for each signature that has usable IR files, converted from exactly this SavedModel.

        If TensorFlow is installed, these are the signatures for which OpenVINO is faster.
        """
        index = self._files.of(folder)
        if index is None:
            return {}
        has_tensorflow = self._tensorflow is not None and library.find() is not None
        found = {name: each for name, each in (index.signatures | index.plans).items() if name in signatures}
        chosen = {name: each for name, each in found.items() if each.preferred or not has_tensorflow}
        runners: dict[str, Runner] = {}
        fallbacks: Mapping[str, Runner] = {}
        if self._tensorflow and chosen:
            fallbacks = self._tensorflow.load_lazily(folder, {name: signatures[name] for name in chosen})
        compiler = Compiler(self._core, index, signatures)
        for name, each in chosen.items():
            try:
                if isinstance(each, Plan):
                    runners[name] = compiler.steps(name, each, fallbacks.get(name))
                else:
                    runners[name] = compiler.graph(name, fallbacks.get(name))
            except (RuntimeError, ValueError, KeyError) as error:
                log.warning("%s: unusable OpenVINO files of %s: %s", folder, name, str(error).splitlines()[-1:])
                if name in fallbacks:
                    fallbacks[name].close()
        return runners

    def close(self) -> None:
        """Does nothing: the engine has no processes or connections."""


class Compiler:
    """Compiles the graphs of a version, each once."""

    def __init__(self, core: Any, index: Index, signatures: Mapping[str, SignatureDef]) -> None:
        self._core = core
        self._signatures = signatures
        self._graphs = {
            name: (entry, signatures[name]) for name, entry in index.signatures.items() if name in signatures
        } | {name: (each.entry, each.definition) for name, each in index.graphs.items()}
        self._compiled: dict[str, Any] = {}

    def graph(self, name: str, fallback: Runner | None) -> OpenVinoRunner:
        entry, definition = self._graphs[name]
        if entry.file not in self._compiled:
            self._compiled[entry.file] = self._core.compile_model(entry.file, "CPU")
        return OpenVinoRunner(self._compiled[entry.file], definition, entry, fallback)

    def steps(self, name: str, plan: Plan, fallback: Runner | None) -> StepsRunner:
        graphs = {
            graph: (self.graph(graph, Refusing() if fallback else None), list(self._graphs[graph][1].outputs))
            for graph in graphs_of(plan.steps)
        }
        return StepsRunner(plan.steps, self._signatures[name], graphs, fallback)


class OpenVinoRunner:
    """A compiled model with a pool of inference requests. The pool grows to the maximum number of parallel runs.

    Args:
        compiled: the model. The model's inputs must be named in0, in1, … and its outputs out0, out1, …, in the order
            of the signature's sorted names.
        signature: the signature that the model computes.
        entry: the limits of the inputs for OpenVINO.
        fallback: runs the requests that OpenVINO must not run, and the requests for which OpenVINO raises an error. If
            None, such requests are refused.
    """

    engine = "openvino"

    def __init__(self, compiled: Any, signature: SignatureDef, entry: Entry, fallback: Runner | None = None) -> None:
        from openvino import Tensor

        self._compiled = compiled
        self._tensor = Tensor
        self._limit = entry.limit
        self._least = entry.least
        self.can_join: Callable[[Arrays], bool] | None = self._accepts if entry.independent_rows else None
        self._fallback = fallback
        inputs, outputs = _positions(compiled.inputs), _positions(compiled.outputs)
        self._inputs = []
        for number, (name, spec) in enumerate(sorted(signature.inputs.items())):
            at = inputs[f"in{number}"]
            element = compiled.inputs[at].get_element_type()
            self._inputs.append((name, at, element, spec, spec.dtype.numpy.kind == "f"))
        self._outputs = {name: outputs[f"out{at}"] for at, name in enumerate(sorted(signature.outputs))}
        self._batched = {name for name, spec in signature.outputs.items() if spec.shape and spec.shape[0] < 0}
        self._idle: list[Any] = []  # last in, first out

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        tensors = []
        for name, index, element, spec, is_float in self._inputs:
            array = inputs[name]
            if not self._fits(spec, array.shape):
                if self._fallback is None:
                    at_least = f" of at least {self._least}" if self._least > 1 else ""
                    raise InvalidArgument(
                        f"Expected shape {list(spec.shape or ())}{at_least} for input {name}. "
                        f"Received: {list(array.shape)}"
                    )
                return self._fall_back(inputs, outputs)
            if not array.size or is_float and not self._is_within_limit(array):
                if self._fallback is not None:
                    return self._fall_back(inputs, outputs)
                if not array.size:
                    return self._without_rows(inputs, outputs)
                raise InvalidArgument(
                    f"Expected numbers of at most {self._limit:g} for input {name}. Received: larger numbers, NaN or "
                    "infinity, for which the server needs TensorFlow (pip install '.[models]')"
                )
            flags = array.flags
            if not (flags.c_contiguous and flags.aligned):
                array = array.copy()
            tensors.append((index, self._tensor(array, array.shape, element), array))  # shares the array's memory
        try:
            return self._run(tensors, outputs)
        except RuntimeError as error:
            if self._fallback is None:
                raise Internal(f"OpenVINO: {str(error).strip().splitlines()[-1]}") from error
            return self._fall_back(inputs, outputs)

    def _fall_back(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        assert self._fallback is not None
        raise_in_event_loop()  # the measured times are OpenVINO's
        return self._fallback(inputs, outputs)

    def _without_rows(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Returns the outputs for a batch without rows: those of one row, without this row.

        For an empty input, OpenVINO would leave the outputs of an earlier run, maybe of another client.
        """
        one = {
            name: array if array.size else np.zeros((1, *array.shape[1:]), array.dtype)
            for name, array in inputs.items()
        }
        wrong = [name for name, array in one.items() if not array.size or not inputs[name].shape]
        if wrong or not self._batched.issuperset(outputs):
            raise InvalidArgument(
                f"Expected values for input {wrong[0] if wrong else next(iter(inputs))}. Received: none"
            )
        return {name: value[:0] for name, value in self(one, outputs).items()}

    def _accepts(self, inputs: Arrays) -> bool:
        """Returns whether OpenVINO runs these inputs, and not the fallback."""
        return all(
            self._fits(spec, inputs[name].shape)
            and inputs[name].size > 0
            and (not is_float or self._is_within_limit(inputs[name]))
            for name, _, _, spec, is_float in self._inputs
        )

    def _fits(self, spec: TensorSpec, shape: tuple[int, ...]) -> bool:
        return spec.accepts(shape) and not (self._least > 1 and self._is_too_small(spec.shape or (), shape))

    def _is_too_small(self, declared: tuple[int, ...], shape: tuple[int, ...]) -> bool:
        pairs = zip(declared[1:], shape[1:], strict=True)
        return any(want < 0 and size < self._least for want, size in pairs)

    def _is_within_limit(self, array: np.ndarray[Any, Any]) -> bool:
        return bool(_MAXIMUM(array, None) <= self._limit and _MINIMUM(array, None) >= -self._limit)  # False for NaN

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
        if self._fallback is not None:
            self._fallback.close()


def _positions(ports: Sequence[Any]) -> dict[str, int]:
    """Returns the position of each input or output, by name."""
    return {name: at for at, port in enumerate(ports) for name in port.names}
