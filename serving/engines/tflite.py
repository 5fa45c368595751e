"""Runs the signatures of a version folder's `model.tflite` with TensorFlow Lite.

The runtime is LiteRT (package ai-edge-litert). LiteRT runs in this process and does not need TensorFlow.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import version_files
from ..errors import Internal, InvalidArgument, Unimplemented
from ..wire import dtypes, messages
from ..wire.signature import DEFAULT_SIGNATURE, SignatureDef, TensorSpec
from .base import Arrays, Runner, raise_in_event_loop

FILE = "model.tflite"
# Operations whose run time, or the size of whose output, depends on the values of the inputs: always, and if there are
# integers among the inputs.
_LOOPS = ("CUSTOM", "STABLEHLO_WHILE", "WHILE")
_SIZED = (
    "BROADCAST_TO", "FILL", "MIRROR_PAD", "ONE_HOT", "PAD", "PADV2", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM",
    "RANGE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "SCATTER_ND", "SPACE_TO_BATCH_ND", "SPARSE_TO_DENSE", "TILE",
)  # fmt: skip


def read_meta_graph(folder: Path) -> Any | None:
    """Returns a `MetaGraphDef` with the signatures of `model.tflite`, or None if the folder has no such file.

    If the file has no signatures, the result has one signature, "serving_default", with all inputs and outputs of the
    model.

    Raises:
        Unimplemented: LiteRT is not installed.
        InvalidArgument: the file is not a TensorFlow Lite model, LiteRT does not support an operation in the file, or
            an input or output has an unsupported dtype.
    """
    if not (folder / FILE).is_file():
        return None
    model = Model(folder)
    meta_graph = messages.MetaGraphDef()
    meta_graph.meta_info_def.tags.append("serve")
    for name, (inputs, outputs) in model.signatures.items():
        signature = meta_graph.signature_def[name]
        signature.method_name = "tensorflow/serving/predict"
        for specs, target in ((inputs, signature.inputs), (outputs, signature.outputs)):
            for key, detail in specs.items():
                target[key].name = detail["name"]
                target[key].dtype = _row_of(detail).number
                for size in detail["shape_signature"]:
                    target[key].tensor_shape.dim.add().size = int(size)
    return meta_graph


def _row_of(detail: Mapping[str, Any]) -> dtypes.DataType:
    dtype = np.dtype(detail["dtype"])
    row = dtypes.STRING if dtype.kind == "S" else dtypes.BY_NUMPY.get(dtype)
    if row is None:
        raise InvalidArgument(f"Unsupported dtype of tensor {detail['name']}: {dtype}")
    return row


def _message(error: Exception) -> str:
    return " ".join(str(error).split())


class TfLite:
    """The TensorFlow Lite engine. It runs all signatures of a folder with a `model.tflite`."""

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        if not (folder / FILE).is_file():
            return {}
        model = Model(folder)
        return {name: TfLiteRunner(model, each) for name, each in signatures.items() if name in model.signatures}

    def close(self) -> None:
        """Does nothing: the engine holds no resources."""


class Model:
    """A TensorFlow Lite file with a pool of interpreters. The pool grows to the maximum number of parallel runs.

    Attributes:
        signatures: by signature name, a pair of dicts: LiteRT's details of each input, and of each output, by name.
        is_bounded: whether the time of a run depends on the sizes of the inputs only, and not on their values.
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("ai_edge_litert") is None:
            raise Unimplemented(f"Serving {folder / FILE} needs LiteRT: pip install ai-edge-litert")
        self._file = str(folder / FILE)
        first = self._new()
        self.signatures = {name: (each.inputs, each.outputs) for name, each in first.items()}
        self._idle = [first]
        inputs = [detail for each in first.values() for detail in each.inputs.values()]
        has_integers = any(np.dtype(detail["dtype"]) in (np.int32, np.int64) for detail in inputs)
        self.is_bounded = _operations(folder / FILE).isdisjoint(_LOOPS + _SIZED if has_integers else _LOOPS)

    def _new(self) -> dict[str, _Function]:
        """Creates an interpreter and returns its functions by signature name."""
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_path=self._file, num_threads=1)  # other requests run in parallel
            names = interpreter.get_signature_list()
            runners = {name: interpreter.get_signature_runner(name) for name in names}
        except (RuntimeError, ValueError) as error:
            raise InvalidArgument(f"{self._file}: {_message(error)}") from None
        if not runners:
            return {DEFAULT_SIGNATURE: _without_signature(interpreter)}
        return {name: _of_signature(runner) for name, runner in runners.items()}

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        """Runs a signature and returns all its outputs. Raises Internal with LiteRT's message if the run fails."""
        try:
            functions = self._idle.pop()
        except IndexError:
            functions = self._new()
        try:
            results = functions[signature].run(inputs)
        except (RuntimeError, ValueError) as error:  # a failed interpreter is not reused
            raise Internal(_message(error)) from None
        self._idle.append(functions)
        return results

    def close(self) -> None:
        """Frees the idle interpreters."""
        self._idle.clear()


def _operations(file: Path) -> set[str]:
    """Returns the names of the operations in a TensorFlow Lite file, such as "WHILE"."""
    from ai_edge_litert import schema_py_generated as schema

    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    model = schema.Model.GetRootAs(version_files.read_file(file), 0)
    codes = [model.OperatorCodes(at) for at in range(model.OperatorCodesLength())]
    return {names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "CUSTOM") for code in codes}


class _Function(NamedTuple):
    inputs: dict[str, Any]  # LiteRT's details by name
    outputs: dict[str, Any]
    run: Callable[[Arrays], Arrays]


def _of_signature(runner: Any) -> _Function:
    return _Function(runner.get_input_details(), runner.get_output_details(), lambda inputs: runner(**inputs))


def _without_signature(interpreter: Any) -> _Function:
    """Returns a function with the inputs and outputs of the model, for a file without signatures.

    The names are those of TensorFlow Serving: the tensors' names up to the first colon. If several tensors have the
    same name, TensorFlow Serving has only the last of them, in alphabetical order of the full names.
    """
    inputs, outputs = (
        {detail["name"].partition(":")[0]: detail for detail in sorted(details, key=lambda each: each["name"])}
        for details in (interpreter.get_input_details(), interpreter.get_output_details())
    )

    def run(arrays: Arrays) -> Arrays:
        for name, detail in inputs.items():
            interpreter.resize_tensor_input(detail["index"], arrays[name].shape)
        interpreter.allocate_tensors()
        for name, detail in inputs.items():
            interpreter.set_tensor(detail["index"], arrays[name])
        interpreter.invoke()
        return {name: interpreter.get_tensor(detail["index"]) for name, detail in outputs.items()}

    return _Function(inputs, outputs, run)


class TfLiteRunner:
    """Runs one signature with LiteRT."""

    engine = "tflite"
    can_join: Callable[[Arrays], bool] | None = None

    def __init__(self, model: Model, signature: SignatureDef) -> None:
        self._model = model
        self._signature = signature

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature. LiteRT resizes its tensors if an input has other sizes than in the file.

        Raises InvalidArgument if an input has another number of dimensions than in the file, and Internal if the
        operations of the file do not allow the sizes.
        """
        for name, spec in self._signature.inputs.items():
            if not _may_fit(inputs[name].shape, spec):
                raise InvalidArgument(
                    f"Expected shape {list(spec.shape or ())} for input {name}. Received: {list(inputs[name].shape)}"
                )
        if not self._model.is_bounded:
            raise_in_event_loop()
        results = self._model.run(self._signature.name, inputs)
        return {name: results[name] for name in outputs}

    def close(self) -> None:
        self._model.close()


def _may_fit(shape: tuple[int, ...], spec: TensorSpec) -> bool:
    """Returns whether LiteRT may be able to resize an input to `shape`.

    Only the first dimension (the batch) can be 0: some operations of LiteRT divide by the other sizes.
    """
    return len(shape) == len(spec.shape or ()) and 0 not in shape[1:]
