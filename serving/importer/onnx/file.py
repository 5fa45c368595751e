"""ONNX files, converted to SavedModels: the same names of inputs and outputs, the same shapes, the same order of axes.

The conversion is ours (`onnx_graph`), which needs the package onnx alone, and nothing of what it converts is run but
TensorFlow's own operations.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from ...errors import FailedPrecondition, InvalidArgument, PermissionDenied, ServingError
from ..reading.result import Options, ReadResult
from . import runtime as onnx_runtime

_INSTALL = "(pip install 'keras-gallery[convert]')"
_OLDEST, _NEWER = 7, 13  # before 7, shapes were made equal in another way
_SMALL = 1024  # numbers; what is larger becomes a variable


def read(path: Path, options: Options) -> ReadResult:
    """The SavedModel of an ONNX file; `old` answers in ONNX Runtime where that is installed.

    Raises:
        PermissionDenied: it has operators of its own, or its weights are elsewhere.
        FailedPrecondition: it uses what can't be converted, or the package onnx is not installed.
        InvalidArgument: it is damaged.
    """
    if importlib.util.find_spec("onnx") is None:
        raise FailedPrecondition(f"Expected the package onnx, to read ONNX files. Received: none {_INSTALL}")
    given = load(path)
    model = prepared(given)
    named = {each.name: _fit(each.name) for each in _inputs(model)}
    function, module = _function(model, named)
    place = options.folder / "saved_model"
    tf.saved_model.save(module, str(place), signatures=function)
    changes = [f"input {old!r} is called {new}" for old, new in named.items() if old != new]
    old = onnx_runtime.of_model(given, named)
    if old is not None:
        changes.append(onnx_runtime.compare(function, old))
    return ReadResult(
        f"ONNX file of {_producer(model)}: {len(model.graph.node)} nodes",
        "converted to a SavedModel",
        changes,
        saved_model=place,
        reference=old,
        reference_name=onnx_runtime.name() if old else "",
    )


def _fit(name: str) -> str:
    """A name that TensorFlow takes for an argument."""
    fit = re.sub(r"\W", "_", name, flags=re.ASCII)
    return fit if fit[:1].isalpha() else f"input_{fit}"


def load(path: Path) -> Any:
    """The model, checked, with its weights in it. Raises as `read`."""
    import onnx
    from google.protobuf.message import DecodeError

    from . import tensors as onnx_tensors
    from .graph import DOMAINS, nodes_of

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as error:
        raise InvalidArgument(f"Expected an ONNX file. Received: {path.name} ({error})") from None
    nodes = list(nodes_of(model.graph))
    foreign = [node.domain for node in nodes if node.domain not in DOMAINS]
    if foreign or model.functions:
        named = foreign[0] if foreign else f"function {model.functions[0].name}"
        raise PermissionDenied(f"Expected ONNX's own operators. Received: {named!r:.100} in {path.name}")
    onnx_tensors.take_in(model, path.parent)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise InvalidArgument(f"Expected a valid ONNX file. Received: {_line(error)}") from None
    if model.graph.sparse_initializer:
        raise FailedPrecondition(f"Expected dense weights. Received: sparse ones in {path.name}")
    return model


def prepared(model: Any) -> Any:
    """A model of operators that can be converted, with what is known of its shapes. Raises FailedPrecondition."""
    import onnx

    from .graph import OPERATORS, nodes_of, opset

    if opset(model) < _OLDEST:
        model = _lifted(model)
    for node in nodes_of(model.graph):
        if node.op_type not in OPERATORS:
            name = node.name or node.output[0]
            raise FailedPrecondition(
                f"Expected operators that can be converted. Received: {node.op_type} in node {name!r}"
            )
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError):  # so large, or inconsistent: then without
        return model


def _lifted(model: Any) -> Any:
    """With the operators of a newer version. Raises FailedPrecondition."""
    import onnx.version_converter

    reason = "PRelu" if any(node.op_type == "PRelu" for node in model.graph.node) else ""  # is lifted wrongly
    try:
        lifted = onnx.version_converter.convert_version(model, _NEWER)
    except Exception as error:  # a RuntimeError, or what has no class
        reason = _line(error)
    if reason:
        raise FailedPrecondition(f"Expected opset {_OLDEST} or newer, or one that can be lifted. Received: {reason}")
    return lifted


def _inputs(model: Any) -> list[Any]:
    """What is fed: older files list the weights among the inputs."""
    weights = {each.name for each in model.graph.initializer}
    return [each for each in model.graph.input if each.name not in weights]


def _function(model: Any, named: Mapping[str, str]) -> tuple[Any, tf.Module]:
    """The model as a concrete function, and what holds its variables. Raises FailedPrecondition."""
    from . import tensors as onnx_tensors
    from .graph import Runner

    module = tf.Module()
    values = {
        name: tf.Variable(array, trainable=False) if array.size > _SMALL else array
        for name, array in onnx_tensors.arrays(model).items()
    }
    module.weights = [each for each in values.values() if isinstance(each, tf.Variable)]
    run, outputs = Runner(model, values), [each.name for each in model.graph.output]
    specs = [_spec(each, named[each.name]) for each in _inputs(model)]

    def answer(*tensors: Any) -> dict[str, Any]:
        found = run(dict(zip(named, tensors, strict=True)))
        return {name: tf.identity(value) for name, value in zip(outputs, found, strict=True)}

    try:
        module.answer = tf.function(answer, input_signature=specs, autograph=False)
        return module.answer.get_concrete_function(), module
    except ServingError:
        raise
    except Exception as error:  # TensorFlow raises all kinds for what does not fit together
        raise FailedPrecondition(f"Expected an ONNX model that can be converted. Received: {_line(error)}") from error


def _spec(value: Any, name: str) -> tf.TensorSpec:
    from onnx import helper

    tensor = value.type.tensor_type
    if not tensor.elem_type:
        raise FailedPrecondition(
            f"Expected tensors as inputs. Received: {value.name!r}, a sequence, a map or an option"
        )
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
    dtype = tf.as_dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return tf.TensorSpec(sizes if tensor.HasField("shape") else None, dtype, name)


def _producer(model: Any) -> str:
    """What wrote the file, such as "pytorch 2.9.0"."""
    text = f"{model.producer_name} {model.producer_version}"
    return text[:60] if text and text.isprintable() else "an unnamed writer"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
