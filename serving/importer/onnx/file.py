"""Converts ONNX files to SavedModels.

Shapes, the order of axes and names stay the same. But an input is renamed if TensorFlow does not allow its name.
The converter (`graph.py`) is part of this project, and needs only the package onnx. A converted model runs only
operations of TensorFlow.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from ...errors import FailedPrecondition, InvalidArgument, PermissionDenied, ServingError
from ...signatures.outputs import different
from ..reading.causes import cause
from ..reading.precision import tolerance_of
from ..reading.result import Options, ReadResult
from . import runtime as onnx_runtime

_INSTALL = "(pip install '.[convert]')"
_REMEDIES = {  # domain of operators → what to do
    "com.microsoft": "export the model again without the optimizations of ONNX Runtime",
    "ai.onnx.ml": "import only the neural network: models and preprocessing of scikit-learn are not supported",
}
_OLDEST_OPSET, _UPGRADED_OPSET = 7, 13  # before opset 7, operators broadcast in another way
_SMALL = 1024  # maximum number of elements of a constant; larger constants become variables


def read(path: Path, options: Options) -> ReadResult:
    """Converts an ONNX file to a SavedModel.

    The result has a `reference` if ONNX Runtime is installed and can load the model.

    Raises:
        PermissionDenied: the file has custom operators, or its weights are in another folder.
        FailedPrecondition: the model cannot be converted, its results differ from ONNX Runtime's results, or the
            package onnx is not installed.
        InvalidArgument: the file or its external weights are damaged or missing.
    """
    if importlib.util.find_spec("onnx") is None:
        raise FailedPrecondition(f"The package onnx is not installed {_INSTALL}")
    from . import tensors as onnx_tensors

    original = load(path)
    model = prepare(original)
    tolerance = max(tolerance_of(onnx_tensors.precisions(model)), min(2 * onnx_tensors.output_step(model), 1.0))
    new_names = {each.name: _argument_name(each.name) for each in _inputs(model)}
    function, module = _function(model, new_names)
    folder = options.folder / "saved_model"
    tf.saved_model.save(module, str(folder), signatures=function)
    changes = [f"input {old!r} renamed to {new}" for old, new in new_names.items() if old != new]
    outputs = [each.name for each in model.graph.output]
    changes += [
        f"output {old!r} occurs more than once: renamed to {new}"
        for old, new in zip(outputs, different(outputs), strict=True)
        if old != new
    ]
    reference = onnx_runtime.reference_function(original, new_names, quantized=onnx_tensors.is_quantized(model))
    if reference is not None:
        changes.append(onnx_runtime.compare(function, reference, tolerance))
    return ReadResult(
        f"ONNX file of {_producer(model)}: {len(model.graph.node)} nodes",
        "converted to a SavedModel",
        changes,
        saved_model=folder,
        reference=reference,
        reference_name=onnx_runtime.name() if reference else "",
        tolerance=tolerance,
        outputs=different(outputs),
    )


def _argument_name(name: str) -> str:
    """Converts a name to one that TensorFlow accepts for an argument."""
    valid = re.sub(r"\W", "_", name, flags=re.ASCII)
    return valid if valid[:1].isalpha() else f"input_{valid}"


def load(path: Path) -> Any:
    """Reads and checks an ONNX file, and embeds its external weights in the model. Raises the same errors as `read`."""
    import onnx
    from google.protobuf.message import DecodeError

    from . import tensors as onnx_tensors
    from .graph import DOMAINS, nodes_of

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as error:
        raise InvalidArgument(f"Expected an ONNX file. Received: {path.name} ({cause(error)})") from None
    nodes = list(nodes_of(model.graph))
    foreign = [(node.op_type, node.domain) for node in nodes if node.domain not in DOMAINS]
    if foreign or model.functions:
        custom, domain = foreign[0] if foreign else (f"function {model.functions[0].name}", "")
        remedy = _REMEDIES.get(domain, "replace it with standard operators in the original model")
        of = f" of {domain!r:.100}" if domain else ""
        raise PermissionDenied(
            f"Expected only standard ONNX operators. Received: {custom!r:.100}{of} in {path.name} ({remedy})"
        )
    onnx_tensors.embed_external_data(model, path.parent)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise InvalidArgument(f"Expected a valid ONNX file. Received: {cause(error)}") from None
    if model.graph.sparse_initializer:
        raise FailedPrecondition(f"Sparse weights are not supported: {path.name}")
    return model


def prepare(model: Any) -> Any:
    """Infers the shapes of a model. Raises FailedPrecondition if an operator is not supported."""
    import onnx

    from .graph import OPERATORS, nodes_of, opset

    if opset(model) < _OLDEST_OPSET:
        model = _upgraded(model)
    for node in nodes_of(model.graph):
        if node.op_type not in OPERATORS:
            name = node.name or node.output[0]
            raise FailedPrecondition(
                f"Unsupported ONNX operator: {node.op_type} in node {name!r} (replace it with other operators in the "
                "original model, or export the model with another opset)"
            )
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError):  # the model is too large, or its shapes are inconsistent
        return model


def _upgraded(model: Any) -> Any:
    """Returns the model in opset 13. Raises FailedPrecondition if the model cannot be upgraded."""
    import onnx.version_converter

    # onnx converts PRelu wrongly.
    problem = "it has a PRelu" if any(node.op_type == "PRelu" for node in model.graph.node) else ""
    try:
        upgraded = onnx.version_converter.convert_version(model, _UPGRADED_OPSET)
    except Exception as error:  # a RuntimeError, or an error of a private class
        problem = cause(error)
    if problem:
        raise FailedPrecondition(f"The model's opset is older than {_OLDEST_OPSET} and cannot be upgraded: {problem}")
    return upgraded


def _inputs(model: Any) -> list[Any]:
    """Returns the inputs of the model. Leaves out weights, which older files list as inputs, too."""
    weights = {each.name for each in model.graph.initializer}
    return [each for each in model.graph.input if each.name not in weights]


def _function(model: Any, new_names: Mapping[str, str]) -> tuple[Any, tf.Module]:
    """Converts the model. Returns a concrete function, and a module with the function's variables.

    Raises FailedPrecondition if the model cannot be converted.
    """
    from . import tensors as onnx_tensors
    from .graph import Runner

    module = tf.Module()
    values = {
        name: tf.Variable(array, trainable=False) if array.size > _SMALL else array
        for name, array in onnx_tensors.arrays(model).items()
    }
    module.weights = [each for each in values.values() if isinstance(each, tf.Variable)]
    run, outputs = Runner(model, values), different([each.name for each in model.graph.output])
    specs = [_spec(each, new_names[each.name]) for each in _inputs(model)]

    def serve(*tensors: Any) -> dict[str, Any]:
        results = run(dict(zip(new_names, tensors, strict=True)))
        return {name: tf.identity(value) for name, value in zip(outputs, results, strict=True)}

    try:
        module.serve = tf.function(serve, input_signature=specs, autograph=False)
        return module.serve.get_concrete_function(), module
    except ServingError:
        raise
    except Exception as error:  # TensorFlow raises errors of many classes for an inconsistent graph
        raise FailedPrecondition(f"The ONNX model cannot be converted: {cause(error)}") from error


def _spec(value: Any, name: str) -> tf.TensorSpec:
    from onnx import helper

    tensor = value.type.tensor_type
    if not tensor.elem_type:
        raise FailedPrecondition(
            f"Expected tensors as inputs. Received: {value.name!r}, a sequence, a map or an optional"
        )
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
    dtype = tf.as_dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    return tf.TensorSpec(sizes if tensor.HasField("shape") else None, dtype, name)


def _producer(model: Any) -> str:
    """Names the program that wrote the file, such as "pytorch 2.9.0"."""
    text = f"{model.producer_name} {model.producer_version}".strip()
    return text[:60] if text and text.isprintable() else "an unknown program"
