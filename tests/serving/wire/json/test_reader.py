"""Reading JSON: values against Python's json, refusals in RapidJSON's words and at its offsets."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json import exact_reader as json_exact_reader
from keras_gallery.serving.wire.json import reader as json_reader
from keras_gallery.serving.wire.json.document import MAX_DEPTH, MISSING, Object, raw
from keras_gallery.serving.wire.json.reader import loads

several = settings(max_examples=300, deadline=None, database=None)


def plain(value: Any) -> Any:
    """A document as Python's json gives it."""
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


@several
@given(document=DOCUMENTS, indent=st.none() | st.integers(0, 2), ascii_only=st.booleans())
def test_reads_what_python_writes(document: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert plain(loads(text.encode())) == plain(json_exact_reader.read(text.encode())) == document


def test_kinds_of_values() -> None:
    document = loads(b'{"a": [1, -2, 3.0, true, false, null, "t", {}], "b": {"c": []}}')
    assert document == Object([("a", [1, -2, 3.0, True, False, None, "t", Object()]), ("b", Object([("c", [])]))])
    assert [type(value) for value in document.find("a")] == [int, int, float, bool, bool, type(None), str, Object]


def test_the_first_of_members_with_one_name_is_found() -> None:
    document = loads(b'{"a": 1, "b": 2, "a": 3}')
    assert document.find("a") == 1
    assert document.find("c") is MISSING
    assert len(document.members) == 3


def test_numbers_that_the_standard_lacks() -> None:
    nan, *others = loads(b"[NaN, Inf, Infinity, -Inf, -Infinity]")
    assert math.isnan(nan)
    assert others == [math.inf, math.inf, -math.inf, -math.inf]


@pytest.mark.parametrize("text", [b"[1] and more", b"[1]\0", b"[1]]", b"\xef\xbb\xbf[1]", b" \t\r\n[1] "])
def test_what_follows_the_document_and_a_byte_order_mark_do_not_matter(text: bytes) -> None:
    assert loads(text) == [1]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (rb'"\u00e9\ud83d\ude00\n\/\"\\"', 'é😀\n/"\\'.encode()),
        (rb'"\u0000"', b"\0"),
        (rb'"\udc00"', b"\xed\xb0\x80"),  # the second half of a pair alone
        (b'"\xff\xc3"', b"\xff\xc3"),  # not UTF-8
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
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.items())
def test_refused_in_rapidjsons_words(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        loads(text)
    assert str(refused.value) == f"JSON Parse error: {problem}"


PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"a"', '"', "\\", "\\u", "\\ud83d", "\\ude00", "ud800", "\\\\", " ", "1", "-0",
     "2.5", "e5", "1e-05", "0.12345678901234567", "123456789012345678901", "NaN", "Inf", "Infinity", "-", "true",
     "null", "\n", "\x01", "é", "\ufeff"]
)  # fmt: skip


@several
@given(st.binary(max_size=60) | st.lists(PIECES, max_size=12).map(lambda pieces: "".join(pieces).encode()))
def test_any_bytes_are_read_alike_or_refused_in_one_line(data: bytes) -> None:
    outcomes = []
    for read in (loads, json_exact_reader.read):
        try:
            outcomes.append(repr(read(data)))
        except InvalidArgument as refused:
            outcomes.append(str(refused))
    assert outcomes[0] == outcomes[1] or not data  # no data at all is a case of its own
    assert "\n" not in outcomes[0]


@pytest.mark.parametrize("text", [rb'["\\ud83d\ude00"]', rb'["\ud83d\ude00", "\\ud83d"]', rb'["\\\ud83d\ude00"]'])
def test_halves_of_pairs_beside_backslashes(text: bytes) -> None:
    found = loads(text)
    assert found == json_exact_reader.read(text)
    assert all(map(raw, found))


def test_long_bodies_that_are_wrong_are_not_read_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "MAX_EXACT_BYTES", 10)
    assert loads(b"[1, 2, 3, 4, 5]") == [1, 2, 3, 4, 5]
    for body in (
        b"[1, 2, 3, 4, 5",
        b"1.23456789e",
        b"[1, 2, 3, 4, Inf]",
        rb'["\udc00", 1, 2]',
        b"[1, 2, 3, 1e400]",
        b"[" * 5000,
    ):
        with pytest.raises(InvalidArgument, match="^JSON Parse error: [^\n]+$"):
            loads(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_depth_has_a_bound(opening: bytes) -> None:
    with pytest.raises(InvalidArgument, match="in one another"):
        loads(opening * 100_000)


def test_depth_up_to_the_bound() -> None:
    value = loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        [value] = value
    assert value == []
