"""Checks a Predict request against a signature.

The order of the checks and the error messages are TensorFlow Serving's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..engines.base import Arrays
from ..errors import Internal, InvalidArgument
from ..wire import dtypes
from ..wire.signature import SignatureDef
from ..wire.tensor import Array, TensorError

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
_METHODS = ("tensorflow/serving/predict", CLASSIFY, REGRESS)  # method names that Predict accepts


def check_method(definition: SignatureDef) -> None:
    """Raises Internal if Predict does not accept the signature's method name."""
    if definition.method_name not in _METHODS:
        raise Internal(
            f"Expected prediction signature method_name to be one of {{{', '.join(_METHODS)}}}. "
            f"Was: {definition.method_name}"
        )


def check_inputs(definition: SignatureDef, inputs: Mapping[str, Array | TensorError]) -> Arrays:
    """Returns an array for each input of the signature, in the signature's order.

    If the request lacks an input, the array is the signature's default value for this input. Raises InvalidArgument if
    an input without a default value is missing, or if an input is unknown or can't be parsed.
    """
    expected, defaults = definition.inputs, definition.defaults
    if len(inputs) != len(expected) and (len(inputs) > len(expected) or not defaults):
        raise InvalidArgument(
            f"input size does not match signature: {len(inputs)}!={len(expected)} "
            f"len({{{_names(inputs)}}}) != len({{{_names(expected)}}}). "
            f"Sent extra: {{{_names(inputs.keys() - expected.keys())}}}. "
            f"Missing but required: {{{_names(expected.keys() - inputs.keys())}}}."
        )
    arrays: Arrays = {}
    for name in expected:
        array = inputs.get(name)
        if array is None and (array := defaults.get(name)) is None:
            raise InvalidArgument(
                f"Signature input alias: {name}(feed name: {expected[name].tensor}) not found in request and no "
                f"default value provided. Inputs expected to be in the request {{{_names(inputs)}}}, "
                f"or default input alias set: {_names(defaults)}"
            )
        if isinstance(array, TensorError):
            raise InvalidArgument(f"tensor parsing error: {name}")
        arrays[name] = array
    if defaults and (used := inputs.keys() & expected.keys()) != inputs.keys():
        raise InvalidArgument(
            f"Inputs contains invalid name. Used request inputs: {_names(used)}, request input: {_names(inputs)}"
        )
    return arrays


def check_outputs(definition: SignatureDef, outputs: Sequence[str]) -> Sequence[str]:
    """Returns the requested output names, or the names of all outputs if the request names no output.

    Raises InvalidArgument for an unknown or duplicate output.
    """
    seen: set[str] = set()
    for name in outputs:
        if name not in definition.outputs:
            raise InvalidArgument(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{_names(definition.outputs)}}}."
            )
        if name in seen:
            raise InvalidArgument(f"duplicate output tensor alias: {name}")
        seen.add(name)
    return outputs or tuple(definition.outputs)


def check_dtypes(definition: SignatureDef, arrays: Arrays) -> None:
    """Raises InvalidArgument if an array does not have the signature's dtype."""
    expected = definition.inputs
    for name, array in arrays.items():
        if array.dtype != expected[name].dtype.numpy:
            raise _wrong_dtype(definition, arrays)


def _wrong_dtype(definition: SignatureDef, arrays: Arrays) -> InvalidArgument:
    """Returns the error for the first array with a wrong dtype. Inputs are numbered in the order of tensor names."""
    expected = definition.inputs
    by_tensor = sorted(arrays, key=lambda name: expected[name].tensor)
    position = next(i for i, name in enumerate(by_tensor) if arrays[name].dtype != expected[name].dtype.numpy)
    name = by_tensor[position]
    got, want = dtypes.of_array(arrays[name]).name, expected[name].dtype.name
    return InvalidArgument(f"Expects arg[{position}] to be {want} but {got} is provided")


def _names(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
