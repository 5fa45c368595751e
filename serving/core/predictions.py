"""Checks that a signature is suitable for Classify or Regress, and builds the result message from the outputs.

The checks, the order of the checks and the error messages are TensorFlow Serving's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from google.protobuf import text_format

from ..engines.base import Arrays
from ..errors import InvalidArgument, ResourceExhausted, Unimplemented
from ..wire import dtypes, messages
from ..wire.model_spec import ModelSpec
from ..wire.signature import DEFAULT_SIGNATURE, SignatureDef, TensorSpec
from ..wire.tensor import MAX_STRINGS, Array, as_bytes, string_array
from .checks import CLASSIFY, REGRESS

INPUTS = "inputs"  # the name of the input that receives the tf.Examples
CLASSES, SCORES, OUTPUTS = "classes", "scores", "outputs"


class Head(Protocol):
    """A signature that is used for Classify or Regress.

    Attributes:
        definition: the signature.
        outputs: the names of the outputs that the result needs.
        field: the name of the field for the result in an `InferenceResult` message.
    """

    definition: SignatureDef
    outputs: tuple[str, ...]
    field: str

    def result(self, arrays: Arrays, count: int) -> Any:
        """Builds the result message for `count` examples. Raises InvalidArgument for a wrong shape or dtype."""


class Classifier:
    """A signature for Classify.

    The signature has one or both of these outputs: "classes", strings of shape (batch, classes), and "scores", floats
    of shape (batch, classes).
    """

    field = "classification_result"

    def __init__(self, definition: SignatureDef, *, check_method: bool) -> None:
        _check(definition, "classification", CLASSIFY, check_method)
        if len(definition.outputs) not in (1, 2):
            raise InvalidArgument(f"Expected one or two output Tensors, found {len(definition.outputs)}")
        if INPUTS not in definition.inputs:
            raise InvalidArgument(f"No classification inputs found in SignatureDef: {_text(definition)}")
        self.definition = definition
        self.outputs = tuple(name for name in (CLASSES, SCORES) if name in definition.outputs)
        if not self.outputs:
            raise InvalidArgument(
                'Expected classification signature outputs to contain at least one of "classes" or "scores". '
                f"Signature was: {_text(definition)}"
            )

    def result(self, arrays: Arrays, count: int) -> Any:
        for name in self.outputs:
            _check_classes(name, arrays[name], count)
        widths = [arrays[name].shape[1] for name in self.outputs]
        if len(set(widths)) > 1:
            raise InvalidArgument(
                f"Tensors class and score should match in dim_size(1). Got {widths[0]} vs. {widths[1]}"
            )
        labels = arrays[CLASSES].tolist() if CLASSES in self.outputs else [[b""] * widths[0]] * count
        scores = arrays[SCORES].tolist() if SCORES in self.outputs else [[0.0] * widths[0]] * count
        result = messages.ClassificationResult()
        for row in range(count):
            classes = result.classifications.add().classes
            for label, score in zip(labels[row], scores[row], strict=True):
                # a label must be text: replace invalid bytes instead of failing the whole response
                classes.add(label=as_bytes(label).decode(errors="replace"), score=score)
        return result


class Regressor:
    """A signature for Regress. The only output is "outputs": floats of shape (batch,) or (batch, 1)."""

    field = "regression_result"
    outputs: tuple[str, ...] = (OUTPUTS,)

    def __init__(self, definition: SignatureDef, *, check_method: bool) -> None:
        _check(definition, "regression", REGRESS, check_method)
        if len(definition.outputs) != 1:
            raise InvalidArgument("Expected one output Tensor.")
        if INPUTS not in definition.inputs:
            raise InvalidArgument(f"No regression inputs found in SignatureDef: {_text(definition)}")
        if OUTPUTS not in definition.outputs:
            raise InvalidArgument(f"No regression outputs found in SignatureDef: {_text(definition)}")
        self.definition = definition

    def result(self, arrays: Arrays, count: int) -> Any:
        values = arrays[OUTPUTS]
        if values.ndim != 1 and (values.ndim != 2 or values.shape[1] != 1):
            raise InvalidArgument(
                f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {_shape(values)}"
            )
        if len(values) != count:
            raise InvalidArgument(f"Input batch size did not match output batch size: {count} vs. {len(values)}")
        if values.dtype != np.float32:
            raise InvalidArgument(f"Expected output Tensor of DT_FLOAT.  Got: {dtypes.of_array(values).enum}")
        result = messages.RegressionResult()
        for value in values.ravel().tolist():
            result.regressions.add(value=value)
        return result


class Task(NamedTuple):
    """One task of a MultiInference request: a model spec and a method name."""

    spec: ModelSpec
    method: str


class Defined(Protocol):
    """A loaded signature. This module uses only the definition."""

    @property
    def definition(self) -> SignatureDef: ...


_HEADS: dict[str, type[Classifier] | type[Regressor]] = {CLASSIFY: Classifier, REGRESS: Regressor}


def find_head(method: str, name: str, signatures: Mapping[str, Defined], *, check_method: bool) -> Head:
    """Returns the head for a Classify or Regress request.

    Raises InvalidArgument if the signature is unknown or not suitable for the method.
    """
    signature = signatures.get(name or DEFAULT_SIGNATURE)
    if signature is None:
        raise InvalidArgument(f"No signature was found with the name: {name or DEFAULT_SIGNATURE}")
    return _HEADS[method](signature.definition, check_method=check_method)


def find_heads(tasks: Sequence[Task], signatures: Mapping[str, Defined], *, check_method: bool) -> list[Head]:
    """Returns the heads for a MultiInference request.

    Raises:
        InvalidArgument: a task names no model, the tasks name different models or the same signature twice, or a
            signature is unknown or not suitable for the task's method.
        Unimplemented: a method is neither Classify nor Regress.
    """
    heads: dict[str, Head] = {}
    for spec, method in tasks:
        if not spec.name:
            raise InvalidArgument("Found ModelSpec with an empty model name.")
        if spec.name != tasks[0].spec.name:
            raise InvalidArgument("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = spec.signature or DEFAULT_SIGNATURE
        if name in heads:
            raise InvalidArgument(f"Duplicate evaluation of signature: {name}")
        if name not in signatures:
            raise InvalidArgument(f"Requested signature not found in model graph: {name}")
        if method not in _HEADS:
            raise Unimplemented(f"Unsupported signature method_name: {method}")
        heads[name] = _HEADS[method](signatures[name].definition, check_method=check_method)
    return list(heads.values())


def serialized_examples(message: Any) -> Array:
    """Returns the serialized examples of an `Input` message as an array of strings (batch,).

    If the message has a context, the serialized context precedes each example. The model then parses both as one
    message: a feature in the example overrides the same feature in the context.

    Raises:
        InvalidArgument: there are no examples.
        ResourceExhausted: there are more than `MAX_STRINGS` examples.
    """
    kind, context = message.WhichOneof("kind"), b""
    examples = getattr(message, kind).examples if kind else ()
    if kind == "example_list_with_context":
        context = message.example_list_with_context.context.SerializeToString()
    if not examples:
        raise InvalidArgument("Input is empty.")
    if len(examples) > MAX_STRINGS:
        raise ResourceExhausted(f"A request can have at most {MAX_STRINGS} examples.")
    return string_array([context + example.SerializeToString() for example in examples])


def repeated_bytes(message: Any) -> int:
    """Returns how many bytes the context of an `Input` message takes, repeated for each example."""
    if message.WhichOneof("kind") != "example_list_with_context":
        return 0
    both = message.example_list_with_context
    return int(both.context.ByteSize()) * len(both.examples)


def _check(definition: SignatureDef, task: str, method: str, check_method: bool) -> None:
    if check_method and definition.method_name != method:
        raise InvalidArgument(f"Expected {task} signature method_name to be {method}. Was: {definition.method_name}")
    if len(definition.inputs) != 1:
        raise InvalidArgument("Expected one input Tensor.")


def _check_classes(name: str, array: Array, count: int) -> None:
    if array.ndim != 2:
        raise InvalidArgument(f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}")
    want = "DT_STRING" if name == CLASSES else "DT_FLOAT"
    if (got := dtypes.of_array(array).enum) != want:
        raise InvalidArgument(f"Expected {name} Tensor of {want}. Got: {got}")
    if len(array) != count:
        raise InvalidArgument(f"Expected {name} output batch size of {count}. Got: {len(array)}")


def _shape(array: Array) -> str:
    return f"[{','.join(map(str, array.shape))}]"


def _text(definition: SignatureDef) -> str:
    """Returns a signature in protocol buffer text format."""
    message = messages.SignatureDef(method_name=definition.method_name)
    for infos, specs in ((message.inputs, definition.inputs), (message.outputs, definition.outputs)):
        for name, spec in specs.items():
            infos[name].CopyFrom(_info(spec))
    return str(text_format.MessageToString(message))


def _info(spec: TensorSpec) -> Any:
    shape = {"unknown_rank": True} if spec.shape is None else {"dim": [{"size": size} for size in spec.shape]}
    return messages.TensorInfo(name=spec.tensor, dtype=spec.dtype.number, tensor_shape=shape)
