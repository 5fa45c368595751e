"""Tests of REST classify and regress requests. Features and error messages must equal TensorFlow Serving's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json import examples as json_examples

from ....random_inputs import random_inputs

many_examples = random_inputs(150)


def features(message: Any) -> dict[str, tuple[str | None, list[Any]]]:
    """Returns the list field (such as "float_list") and the values of each feature of an `Example` message."""
    result = {}
    for name, feature in message.features.feature.items():
        field = feature.WhichOneof("kind")
        result[name] = field, list(getattr(feature, field).value) if field else []
    return result


def one(content: str | bytes) -> dict[str, tuple[str | None, list[Any]]]:
    """Reads a request with one example. Returns the features of the example."""
    data = content.encode() if isinstance(content, str) else content
    _, message = json_examples.parse(b'{"examples": [' + data + b"]}")
    [example] = message.example_list.examples
    return features(example)


FEATURES: dict[str, tuple[str | bytes, tuple[str | None, list[Any]]]] = {
    "floats": ('{"x": [1.0, 2.5, -3e2]}', ("float_list", [1.0, 2.5, -300.0])),
    "one float": ('{"x": 0.5}', ("float_list", [0.5])),
    "too large for a float": ('{"x": 1e39}', ("float_list", [np.inf])),
    "integers": ('{"x": [1, -9223372036854775808]}', ("int64_list", [1, -(1 << 63)])),
    "booleans": ('{"x": [true, false, 3]}', ("int64_list", [1, 0, 3])),
    "text": ('{"x": ["a", "\\u017e"]}', ("bytes_list", [b"a", "ž".encode()])),
    "bytes": ('{"x": [{"b64": "/w=="}, "t"]}', ("bytes_list", [b"\xff", b"t"])),
    "no values": ('{"x": []}', (None, [])),
    "repeated name, last value counts": ('{"x": [1.5], "x": 2}', ("int64_list", [2])),
    "text that is not UTF-8": (b'{"x": "\xff"}', ("bytes_list", [b"\xff"])),
}


@pytest.mark.parametrize(("content", "expected"), FEATURES.values(), ids=FEATURES)
def test_features(content: str | bytes, expected: tuple[str | None, list[Any]]) -> None:
    assert one(content) == {"x": expected}


def test_signature_and_context() -> None:
    body = b'{"signature_name": "s", "context": {"c": 1}, "examples": [{"x": 1.0}, {}]}'
    signature, message = json_examples.parse(body)
    assert signature == "s"
    example_list = message.example_list_with_context
    assert features(example_list.context) == {"c": ("int64_list", [1])}
    assert [features(example) for example in example_list.examples] == [{"x": ("float_list", [1.0])}, {}]


REFUSED = {
    "no examples": (
        '{"signature_name": "c"}',
        'JSON Value: {\n    "signature_name": "c"\n} When method is classify, key \'examples\' is expected and was not '
        "found",
    ),
    "examples not a list": (
        '{"examples": {"x": [1.0]}}',
        'JSON Value: {\n    "examples": {\n        "x": [1.0]\n    }\n} '
        "Expecting 'examples' value to be an list/array",
    ),
    "examples empty": (
        '{"examples": []}',
        "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
    ),
    "name not a string": (
        '{"signature_name": 1, "examples": []}',
        'JSON Value: {\n    "signature_name": 1,\n    "examples": []\n} not formatted correctly. '
        "'signature_name' key must be a string value.",
    ),
    "body not an object": ("[1]", "JSON Value: [1] Is not object"),
    "body not JSON": ('{"examples": [', "JSON Parse error: Invalid value. at offset: 14"),
    "example not an object": ('{"examples": [1]}', "Example must be JSON object but got JSON Number"),
    "context not an object": ('{"examples": [1], "context": [1]}', "Example must be JSON object but got JSON Array"),
    "mixed float and string": (
        '{"examples": [{"x": [1.0, "a"]}]}',
        "Unexpected element type in feature: x expecting type: float",
    ),
    "mixed integer and float": (
        '{"examples": [{"x": [1, 1.5]}]}',
        "Unexpected element type in feature: x expecting type: int64",
    ),
    "mixed string and integer": (
        '{"examples": [{"x": ["a", 1]}]}',
        "Unexpected element type in feature: x expecting type: bytes",
    ),
    "null": ('{"examples": [{"x": null}]}', "Feature: x has element with unexpected JSON type: Null"),
    "object": ('{"examples": [{"x": {"a": 1}}]}', "Feature: x has element with unexpected JSON type: Object"),
    "nested lists": ('{"examples": [{"x": [[1]]}]}', "Feature: x has element with unexpected JSON type: Array"),
    "integer over 63 bits": (
        '{"examples": [{"id": 18446744073709551615}]}',
        "Feature: id has uint64_t element. Only int64_t is supported.",
    ),
    "not base64": ('{"examples": [{"x": {"b64": "!"}}]}', "Unable to base64 decode"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_error_messages_of_tensorflow_serving(body: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        json_examples.parse(body.encode())
    assert str(caught.value) == message


@many_examples
@given(st.binary(max_size=50))
def test_random_bytes_raise_only_invalid_argument(data: bytes) -> None:
    for body in (data, b'{"examples": [{"x": ' + data + b"}]}", b'{"examples": [{"' + data + b'": 1}]}'):
        try:
            json_examples.parse(body)
        except InvalidArgument as caught:
            assert str(caught)
