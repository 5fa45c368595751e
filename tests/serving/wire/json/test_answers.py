"""Tests of the JSON of REST answers. Python's json module reads the answers, and NumPy compares the values."""

from __future__ import annotations

import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.json import answers as json_answers

from ....random_inputs import random_inputs

many_examples = random_inputs(150)


def answer(rows: bool, **outputs: Any) -> Any:
    arrays = {name: np.asarray(array) for name, array in outputs.items()}
    document = json.loads(json_answers.predictions(arrays) if rows else json_answers.outputs(arrays))
    assert list(document) == ["predictions" if rows else "outputs"]
    return next(iter(document.values()))


TWO = np.array([[1.5, -2], [0.25, 4]], np.float32)
BYTES = np.array([b"\xff\0", b"a"], object)
ANSWERS = {
    "rows": (True, {"y": TWO}, TWO.tolist()),
    "columns": (False, {"y": TWO}, TWO.tolist()),
    "no rows": (True, {"y": TWO[:0]}, []),
    "rows without values": (True, {"y": TWO[:, :0]}, [[], []]),
    "columns without values": (False, {"y": TWO[:, :0]}, [[], []]),
    "one value": (False, {"y": np.float32(2.5)}, 2.5),
    "one integer": (False, {"y": np.int64(3)}, 3),
    "rows of two outputs": (
        True,
        {"y": TWO, "n": np.array([3, 4])},
        [{"y": [1.5, -2], "n": 3}, {"y": [0.25, 4], "n": 4}],
    ),
    "rows of nested outputs": (
        True,
        {"y": np.arange(8).reshape(2, 2, 2), "z": np.ones((2, 1, 1, 1)), "e": np.ones((2, 0))},
        [{"y": [[0, 1], [2, 3]], "z": [[[1.0]]], "e": []}, {"y": [[4, 5], [6, 7]], "z": [[[1.0]]], "e": []}],
    ),
    "columns of two outputs": (False, {"y": TWO, "n": np.array([3])}, {"y": TWO.tolist(), "n": [3]}),
    "booleans": (True, {"y": np.array([True, False])}, [True, False]),
    "booleans and numbers": (True, {"y": np.array([True]), "n": np.array([7], np.uint8)}, [{"y": True, "n": 7}]),
    "64 bits": (True, {"y": np.array([(1 << 64) - 1], np.uint64)}, [(1 << 64) - 1]),
    "half": (True, {"y": np.array([0.5, 65504], np.float16)}, [0.5, 65504]),
    "bfloat16": (True, {"y": np.array([0.5, 3], ml_dtypes.bfloat16)}, [0.5, 3]),
    "transposed": (True, {"y": TWO.T}, TWO.T.tolist()),
    "text": (True, {"y": np.array(["žluť".encode(), b'"\n'], object)}, ["žluť", '"\n']),
    "bytes in rows": (True, {"y_bytes": BYTES}, [{"b64": "/wA="}, {"b64": "YQ=="}]),
    "bytes in columns": (False, {"y_bytes": BYTES.reshape(2, 1)}, [[{"b64": "/wA="}], [{"b64": "YQ=="}]]),
    "one string": (False, {"y": np.array(b"a", object)}, "a"),
    "bytes and numbers": (
        True,
        {"y_bytes": BYTES[1:], "n": np.array([2.5])},
        [{"y_bytes": {"b64": "YQ=="}, "n": 2.5}],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "outputs", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answers(rows: bool, outputs: dict[str, Any], expected: Any) -> None:
    assert answer(rows, **outputs) == expected


@pytest.mark.parametrize("rows", [True, False], ids=["rows", "columns"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_nan_and_infinities(rows: bool, dtype: Any) -> None:
    special = np.array([math.nan, math.inf, -math.inf, 1.5], dtype)
    np.testing.assert_array_equal(answer(rows, y=special), special)
    beside = answer(rows, y=special, n=np.arange(4))
    values = [row["y"] for row in beside] if rows else beside["y"]
    np.testing.assert_array_equal(values, special)


DTYPES = st.sampled_from(["f4", "f8", "i4", "i8", "u1", "u8", "?"])


@many_examples
@given(
    array=arrays_of.arrays(DTYPES, arrays_of.array_shapes(max_dims=4, max_side=3), elements=None),
    rows=st.booleans(),
    beside=st.booleans(),
)
def test_random_arrays(array: np.ndarray[Any, Any], rows: bool, beside: bool) -> None:
    result = answer(rows, y=array, **({"n": np.zeros(len(array), np.int32)} if beside else {}))
    if beside:
        result = [row["y"] for row in result] if rows else result["y"]
    np.testing.assert_array_equal(np.array(result, array.dtype), array)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"total": np.float32(6)}, "Tensor name: total has no shape information "),
        ({"each": TWO, "first": TWO[:1]}, "Tensor name: first has inconsistent batch size: 1 expecting: 2"),
    ],
)
def test_outputs_without_a_shared_batch(outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        answer(True, **outputs)
    assert str(caught.value) == message


def test_complex_numbers_raise_an_error() -> None:
    with pytest.raises(InvalidArgument, match="^Failed to write JSON value for tensor type: complex64$"):
        answer(False, y=np.array([1j], np.complex64))


def test_strings_that_are_not_utf8_stay_unchanged() -> None:
    array = np.array([[b"\xff\xfe!", b"\0"]], object)
    assert b'[["\xff\xfe!","\\u0000"]]' in json_answers.predictions({"y": array})
    assert b'"y": ["\xff\xfe!","\\u0000"]' in json_answers.predictions({"y": array, "n": np.array([3])})


def test_floats_have_few_digits_and_read_back_to_the_same_value() -> None:
    array = np.array([0.1, 1, 1e-7, 16777216, 3.4028235e38], np.float32)
    texts = json_answers.outputs({"y": array}).decode().partition("[")[2].partition("]")[0].split(",")
    assert max(map(len, texts)) <= 13
    np.testing.assert_array_equal(np.array(texts, np.float32), array)


# === Classify and regress ===


def test_classifications() -> None:
    result = messages.ClassificationResult()
    for labels in (("low", "high"), ('a"b',)):
        row = result.classifications.add()
        for label in labels:
            row.classes.add(label=label, score=0.1)
    document = json.loads(json_answers.classifications(result))
    assert document == {"results": [[["low", 0.1], ["high", 0.1]], [['a"b', 0.1]]]}


def test_regressions() -> None:
    result = messages.RegressionResult()
    for value in (6.25, math.inf):
        result.regressions.add(value=value)
    assert json.loads(json_answers.regressions(result)) == {"results": [6.25, math.inf]}


@pytest.mark.parametrize(
    ("write", "message_type"),
    [(json_answers.classifications, "ClassificationResult"), (json_answers.regressions, "RegressionResult")],
)
def test_no_results(write: Any, message_type: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Cannot convert empty {message_type}s to JSON$"):
        write(getattr(messages, message_type)())
