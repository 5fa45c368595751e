"""Reads REST classify and regress requests, and converts their JSON objects to tf.Examples."""

from __future__ import annotations

from typing import Any

from ...errors import InvalidArgument
from .. import messages
from .base64 import decoded, is_base64
from .document import MISSING, Object, raw
from .predict import as_object, signature_of
from .reader import loads
from .steps import LONG, discard, parts, types_of
from .writer import text_of, type_name

_LISTS = {"bytes": "bytes_list", "float": "float_list", "int64": "int64_list"}
_MOST = (1 << 63) - 1


def parse(data: bytes) -> tuple[str, Any]:
    """Reads the body of a request.

    Returns:
        The name of the signature ("" if the body has none) and an `Input` message.

    Raises:
        InvalidArgument: the body is malformed. The error message is the same as TensorFlow Serving's.
    """
    document = loads(data)
    try:
        return _parsed(as_object(document))
    finally:
        if len(data) > LONG:
            discard(document)


def _parsed(document: Object) -> tuple[str, Any]:
    signature = signature_of(document)
    message = messages.Input()
    context, examples = document.find("context"), document.find("examples")
    if context is not MISSING:
        _fill(message.example_list_with_context.context, context)
    problem = ""
    if examples is MISSING:
        # TensorFlow Serving has the same message for regress requests.
        problem = "When method is classify, key 'examples' is expected and was not found"
    elif not isinstance(examples, list):
        problem = "Expecting 'examples' value to be an list/array"
    elif not examples:
        problem = "'examples' value is an empty array"
    if problem:
        raise InvalidArgument(f"JSON Value: {text_of(document)} {problem}")
    example_list = message.example_list if context is MISSING else message.example_list_with_context
    for example in examples:
        _fill(example_list.examples.add(), example)
    return signature, message


def _fill(example: Any, value: Any) -> None:
    """Adds the features of a JSON object to an `Example` message."""
    if not isinstance(value, Object):
        raise InvalidArgument(f"Example must be JSON object but got JSON {type_name(value)}")
    for key, content in value.members:
        name = raw(key).decode(errors="replace")  # protobuf strings are UTF-8
        feature = example.features.feature[name]
        feature.Clear()  # if a name is repeated, its last value counts
        values = content if isinstance(content, list) else [content]
        types = types_of(values)
        if types == {float}:
            for part in parts(values):
                feature.float_list.value.extend(part)
        elif types == {str}:
            feature.bytes_list.value.extend(map(raw, values))
        else:
            for each in values:
                _add(feature, name, each)


def _add(feature: Any, name: str, value: Any) -> None:
    """Adds a value to a `Feature` message.
    Raises InvalidArgument if the value cannot be in a feature, or if earlier values have another type.
    """
    if isinstance(value, int):
        dtype, value = "int64", int(value)  # bool is a subclass of int
    elif isinstance(value, float):
        dtype = "float"
    elif isinstance(value, str) or is_base64(value):
        dtype = "bytes"
    else:
        raise InvalidArgument(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
    field = feature.WhichOneof("kind")
    if field not in (None, _LISTS[dtype]):
        expected = next(name for name, of_name in _LISTS.items() if of_name == field)
        raise InvalidArgument(f"Unexpected element type in feature: {name} expecting type: {expected}")
    if dtype == "int64" and value > _MOST:
        raise InvalidArgument(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    if dtype == "bytes":
        value = decoded(value) if isinstance(value, Object) else raw(value)
    getattr(feature, _LISTS[dtype]).value.append(value)
