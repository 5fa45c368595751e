"""Tests of reading JSON. Compares values with Python's json module, and error messages with TensorFlow Serving's."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json.document import MISSING, Object, raw
from keras_gallery.serving.wire.json.reader import loads

from ....random_inputs import random_inputs

many_examples = random_inputs(300)


def plain(value: Any) -> Any:
    """Converts a document to the value that Python's json module returns."""
    if isinstance(value, Object):
        return {name: plain(each) for name, each in reversed(value.members)}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(max_size=5)
    | st.floats(-1e12, 1e12).map(lambda value: round(value, 3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@many_examples
@given(document=DOCUMENTS, indent=st.none() | st.integers(0, 2), ascii_only=st.booleans())
def test_documents_written_by_python(document: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert plain(loads(text.encode())) == document


def test_types_of_values() -> None:
    document = loads(b'{"a": [1, -2, 3.0, true, false, null, "t", {}], "b": {"c": []}}')
    assert document == Object([("a", [1, -2, 3.0, True, False, None, "t", Object()]), ("b", Object([("c", [])]))])
    assert [type(value) for value in document.find("a")] == [int, int, float, bool, bool, type(None), str, Object]


def test_find_returns_the_first_member_of_a_repeated_name() -> None:
    document = loads(b'{"a": 1, "b": 2, "a": 3}')
    assert document.find("a") == 1
    assert document.find("c") is MISSING
    assert len(document.members) == 3


def test_nan_and_infinity() -> None:
    nan, *others = loads(b"[NaN, Inf, Infinity, -Inf, -Infinity]")
    assert math.isnan(nan)
    assert others == [math.inf, math.inf, -math.inf, -math.inf]


@pytest.mark.parametrize("text", [b"[1] and more", b"[1]\0", b"[1]]", b"\xef\xbb\xbf[1]", b" \t\r\n[1] "])
def test_text_after_the_document_and_a_byte_order_mark_are_ignored(text: bytes) -> None:
    assert loads(text) == [1]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (rb'"\u00e9\ud83d\ude00\n\/\"\\"', 'é😀\n/"\\'.encode()),
        (rb'"\u0000"', b"\0"),
        (b'"\xff\xc3"', b"\xff\xc3"),  # not UTF-8
        (b'"\x80\xc3\xa9"', b"\x80\xc3\xa9"),
        (rb'"\u00e9\ud83d\ude00' + b'\xff\xc3\xa9 \xc3"', "é😀".encode() + b"\xff\xc3\xa9 \xc3"),
        (b'""', b""),
    ],
)
def test_strings(text: bytes, content: bytes) -> None:
    assert raw(loads(text)) == content


REFUSED = {
    b"": "The document is empty",
    b"  ": "The document is empty. at offset: 2",
    b"\0": "The document is empty. at offset: 0",
    b'{"instances": [[1, 2}': "Missing a comma or ']' after an array element. at offset: 20",
    b"{'instances': [1.0]}": "Missing a name for object member. at offset: 1",
    b'{"instances": [1.0,]}': "Invalid value. at offset: 19",
    b'{"instances": [1.0] /* two */}': "Missing a comma or '}' after an object member. at offset: 20",
    b'{"examples": [': "Invalid value. at offset: 14",
    b"\x1f\x8b": "Invalid value. at offset: 0",
    b'{"a" 1}': "Missing a colon after a name of object member. at offset: 5",
    b'{"a": 1,}': "Missing a name for object member. at offset: 8",
    b"12.x": "Miss fraction part in number. at offset: 3",
    b"12e": "Miss exponent in number. at offset: 3",
    b"[1.]": "Miss fraction part in number. at offset: 3",
    b"[1.e5]": "Miss fraction part in number. at offset: 3",
    b"[1e]": "Miss exponent in number. at offset: 3",
    b"[1e+]": "Miss exponent in number. at offset: 4",
    b"[-]": "Invalid value. at offset: 2",
    b"[01]": "Missing a comma or ']' after an array element. at offset: 2",
    b"[1, 2, 1e400]": "Number too big to be stored in double. at offset: 7",
    b"[tru]": "Invalid value. at offset: 4",
    b"[nul": "Invalid value. at offset: 4",
    b"[Nan]": "Invalid value. at offset: 3",
    b"[Infinit]": "Invalid value. at offset: 8",
    b'"abc': "Missing a closing quotation mark in string. at offset: 4",
    b'"a\0c"': "Missing a closing quotation mark in string. at offset: 2",
    b'["\x01"]': "Invalid escape character in string. at offset: 2",
    rb'["a\q"]': "Invalid escape character in string. at offset: 3",
    rb'["\u12g4"]': r"Incorrect hex digit after \u escape in string. at offset: 2",
    rb'["\u12': r"Incorrect hex digit after \u escape in string. at offset: 2",
    rb'["\ud800"]': "The surrogate pair in string is invalid. at offset: 2",
    rb'["\ud800\u0041"]': "The surrogate pair in string is invalid. at offset: 2",
    rb'["\udc00"]': "The surrogate pair in string is invalid. at offset: 2",  # TensorFlow Serving accepts this string
    b"\xef\xbb\xbf[tru]": "Invalid value. at offset: 7",
    b'["\xff\xc3\xa9", tru]': "Invalid value. at offset: 11",
    b'["\xff", "a': "Missing a closing quotation mark in string. at offset: 8",
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.items())
def test_error_messages_of_tensorflow_serving(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        loads(text)
    assert str(caught.value) == f"JSON Parse error: {problem}"


PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"a"', '"', "\\", "\\u", "\\ud83d", "\\ude00", "ud800", "\\\\", " ", "1", "-0",
     "2.5", "e5", "1e-05", "0.12345678901234567", "123456789012345678901", "NaN", "Inf", "Infinity", "-", "true",
     "null", "\n", "\x01", "é", "\ufeff"]
)  # fmt: skip


@many_examples
@given(st.binary(max_size=60) | st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode()))
def test_random_bytes_raise_only_errors_of_one_line(data: bytes) -> None:
    try:
        loads(data)
    except InvalidArgument as caught:
        assert "\n" not in str(caught)


@many_examples
@given(data=st.binary(max_size=20).filter(lambda data: not set(data) & set(b'"\\') and min(data, default=32) >= 32))
def test_random_bytes_in_strings_and_names(data: bytes) -> None:
    for document in (b'{"%b": ["%b"]}', b'{"%b": ["%b"]} \xff', b'\xef\xbb\xbf{"%b": ["%b"]} junk'):
        [(name, [value])] = loads(document % (data, data)).members
        assert raw(name) == raw(value) == data


@pytest.mark.parametrize("text", [rb'["\\ud83d\ude00"]', rb'["\ud83d\ude00", "\\ud83d"]', rb'["\\\ud83d\ude00"]'])
def test_surrogate_escapes_after_backslashes(text: bytes) -> None:
    try:
        value = loads(text)
    except InvalidArgument as caught:
        assert "surrogate pair" in str(caught)
    else:
        assert value == json.loads(text)


def test_errors_of_long_bodies_have_an_offset() -> None:
    with pytest.raises(InvalidArgument, match="Missing a comma or ']' after an array element. at offset: 3000000$"):
        loads(b"[" + b"1," * 1_499_999 + b"1")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_depth_has_a_limit(opening: bytes) -> None:
    with pytest.raises(InvalidArgument, match="^JSON is nested deeper than 1000 levels.$"):
        loads(opening * 100_000)
    with pytest.raises(InvalidArgument, match="^JSON is nested deeper than 1000 levels.$"):
        loads(opening * 100_000 + b"\xff")


def test_depth_up_to_the_limit() -> None:
    depth = sys.getrecursionlimit()
    value = loads(b"[" * depth + b"]" * depth)
    for _ in range(depth - 1):
        [value] = value
    assert value == []
