"""Tests of writing JSON values in error messages. The text must equal TensorFlow Serving's, up to a size limit."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.wire.json.reader import loads
from keras_gallery.serving.wire.json.writer import MAX_ERROR, MAX_SHOWN, error_body, quoted, text_of, type_name

from ....random_inputs import random_inputs

DEPTH = 1000
many_examples = random_inputs(200)

SHOWN = {  # from recorded answers
    b"null": "null",
    b"[[1,2,3]]": "[[1, 2, 3]]",
    b'{"a":[1,2]}': '{\n    "a": [1, 2]\n}',
    b'{"b64":"YQ==","x":1}': '{\n    "b64": "YQ==",\n    "x": 1\n}',
    b'{"signature_name":"s","instances":[{"x":[1.0,2.0]}]}': (
        '{\n    "signature_name": "s",\n    "instances": [{\n            "x": [1.0, 2.0]\n        }]\n}'
    ),
    b'{"instances":{"x":[1]}}': '{\n    "instances": {\n        "x": [1]\n    }\n}',
    b"NaN": "",
    b"[1, Infinity, 2]": "[1, ",
    b"[{}, [], true, false, 1e39]": "[{}, [], true, false, 1e39]",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_values_in_recorded_error_messages(text: bytes, shown: str) -> None:
    assert text_of(loads(text)) == shown


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@many_examples
@given(DOCUMENTS)
def test_written_values_read_back_to_the_same_values(document: Any) -> None:
    assert json.loads(text_of(loads(json.dumps(document).encode()))) == document


@pytest.mark.parametrize(
    "text",
    [b"[" + b"1.5," * 200_000 + b"1]", b'["' + b"\\n" * 400_000 + b'"]', b'{"' + b"a" * 400_000 + b'": 1}'],
    ids=["list", "string", "name"],
)  # fmt: skip
def test_large_values_are_cut(text: bytes) -> None:
    shown = text_of(loads(text))
    assert shown.endswith("…")
    assert len(shown) == MAX_SHOWN + 1


def test_long_errors_are_cut() -> None:
    message = json.loads(error_body("é" * (MAX_ERROR + 1)))["error"]
    assert message == "é" * MAX_ERROR + "…"
    assert json.loads(error_body("é" * MAX_ERROR))["error"] == "é" * MAX_ERROR


def test_deeply_nested_values() -> None:
    text = b"[" * DEPTH + b"]" * DEPTH
    assert text_of(loads(text)) == text.decode()
    assert len(text_of(loads(b'{"a":' * DEPTH + b"1" + b"}" * DEPTH))) <= MAX_SHOWN + 1


def test_escapes() -> None:
    controls = "".join(f"\\u{code:04X}" for code in range(0x20))
    for code, letter in zip(b"\b\t\n\f\r", "btnfr", strict=True):
        controls = controls.replace(f"\\u{code:04X}", f"\\{letter}")
    assert quoted(bytes(range(0x20))).decode() == f'"{controls}"'
    assert quoted('"\\/é\x7f'.encode()) == '"\\"\\\\/é\x7f"'.encode()
    assert quoted(b"\xff") == b'"\xff"'


@many_examples
@given(st.text(max_size=20))
def test_error_bodies(message: str) -> None:
    body = error_body(message.encode(errors="replace").decode())
    assert body.startswith(b'{\n    "error": "')
    assert json.loads(body) == {"error": message.encode(errors="replace").decode()}


@pytest.mark.parametrize(
    ("text", "name"),
    [("null", "Null"), ("true", "True"), ("false", "False"), ("1", "Number"), ("1.5", "Number"), ('"a"', "String"),
     ("[]", "Array"), ("{}", "Object")],
)  # fmt: skip
def test_type_names(text: str, name: str) -> None:
    assert type_name(loads(text.encode())) == name


@many_examples
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_to_the_same_value(value: float) -> None:
    text = text_of(value)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert "." in text or "e" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"), (-2.5, "-2.5"), (0.0, "0.0"), (-0.0, "-0.0"), (1e20, "100000000000000000000.0"), (1e21, "1e21"),
        (1.5e300, "1.5e300"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.25e-10, "1.25e-10"), (123456.789, "123456.789"),
    ],
)  # fmt: skip
def test_floats_are_written_like_rapidjson(value: float, text: str) -> None:
    assert text_of(value) == text
