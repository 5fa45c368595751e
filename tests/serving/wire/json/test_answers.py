"""REST answers: contents against NumPy and Python's json, layouts as TensorFlow Serving's recorded ones."""

from __future__ import annotations

import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.json import answers as json_answers

several = settings(max_examples=150, deadline=None, database=None)


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
    "rows of nothing": (True, {"y": TWO[:, :0]}, [[], []]),
    "columns of nothing": (False, {"y": TWO[:, :0]}, [[], []]),
    "one value": (False, {"y": np.float32(2.5)}, 2.5),
    "one whole number": (False, {"y": np.int64(3)}, 3),
    "rows of two outputs": (
        True,
        {"y": TWO, "n": np.array([3, 4])},
        [{"y": [1.5, -2], "n": 3}, {"y": [0.25, 4], "n": 4}],
    ),
    "rows of deep outputs": (
        True,
        {"y": np.arange(8).reshape(2, 2, 2), "z": np.ones((2, 1, 1, 1)), "e": np.ones((2, 0))},
        [{"y": [[0, 1], [2, 3]], "z": [[[1.0]]], "e": []}, {"y": [[4, 5], [6, 7]], "z": [[[1.0]]], "e": []}],
    ),
    "columns of two outputs": (False, {"y": TWO, "n": np.array([3])}, {"y": TWO.tolist(), "n": [3]}),
    "truth values": (True, {"y": np.array([True, False])}, [True, False]),
    "truth values beside numbers": (True, {"y": np.array([True]), "n": np.array([7], np.uint8)}, [{"y": True, "n": 7}]),
    "64 bits": (True, {"y": np.array([(1 << 64) - 1], np.uint64)}, [(1 << 64) - 1]),
    "half": (True, {"y": np.array([0.5, 65504], np.float16)}, [0.5, 65504]),
    "bfloat16": (True, {"y": np.array([0.5, 3], ml_dtypes.bfloat16)}, [0.5, 3]),
    "transposed": (True, {"y": TWO.T}, TWO.T.tolist()),
    "text": (True, {"y": np.array(["žluť".encode(), b'"\n'], object)}, ["žluť", '"\n']),
    "bytes by name": (True, {"y_bytes": BYTES}, [{"b64": "/wA="}, {"b64": "YQ=="}]),
    "bytes in columns": (False, {"y_bytes": BYTES.reshape(2, 1)}, [[{"b64": "/wA="}], [{"b64": "YQ=="}]]),
    "one text": (False, {"y": np.array(b"a", object)}, "a"),
    "bytes beside numbers": (
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


KINDS = st.sampled_from(["f4", "f8", "i4", "i8", "u1", "u8", "?"])


@several
@given(
    array=arrays_of.arrays(KINDS, arrays_of.array_shapes(max_dims=4, max_side=3), elements=None),
    rows=st.booleans(),
    beside=st.booleans(),
)
def test_arrays_come_back_as_they_were(array: np.ndarray[Any, Any], rows: bool, beside: bool) -> None:
    found = answer(rows, y=array, **({"n": np.zeros(len(array), np.int32)} if beside else {}))
    if beside:
        found = [row["y"] for row in found] if rows else found["y"]
    np.testing.assert_array_equal(np.array(found, array.dtype), array)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"total": np.float32(6)}, "Tensor name: total has no shape information "),
        ({"each": TWO, "first": TWO[:1]}, "Tensor name: first has inconsistent batch size: 1 expecting: 2"),
    ],
)
def test_outputs_without_a_shared_batch(outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        answer(True, **outputs)
    assert str(refused.value) == message


def test_complex_numbers_have_no_json() -> None:
    with pytest.raises(InvalidArgument, match="^Failed to write JSON value for tensor type: complex64$"):
        answer(False, y=np.array([1j], np.complex64))


# === Layouts, as recorded ===

LAYOUTS = {
    "rows": (
        json_answers.predictions({"y": np.array([[2.0, -1.5, 0.5], [3.5, 4.5, 5.5]], np.float32)}),
        '{\n    "predictions": [[2.0, -1.5, 0.5], [3.5, 4.5, 5.5]\n    ]\n}',
    ),
    "rows of one value": (
        json_answers.predictions({"y": np.array([3, 5, 0], np.float32)}),
        '{\n    "predictions": [3.0, 5.0, 0.0\n    ]\n}',
    ),
    "rows of two outputs": (
        json_answers.predictions({"sum": np.array([[11, 12], [23, 24.0]], np.float32), "twice": np.array([20, 40])}),
        '{\n    "predictions": [\n        {\n            "sum": [11.0, 12.0],\n            "twice": 20\n        },\n'
        '        {\n            "sum": [23.0, 24.0],\n            "twice": 40\n        }\n    ]\n}',
    ),
    "rows of bytes": (
        json_answers.predictions({"raw_bytes": np.array([b"plain", b"\0\xff\x10"], object)}),
        '{\n    "predictions": [{\n            "b64": "cGxhaW4="\n        }, {\n            "b64": "AP8Q"\n        }\n'
        "    ]\n}",
    ),
    "bytes among others": (
        json_answers.predictions({"joined_bytes": np.array([b"a"], object), "length": np.array([3])}),
        '{\n    "predictions": [\n        {\n            "joined_bytes": {\n                "b64": "YQ=="\n'
        '            },\n            "length": 3\n        }\n    ]\n}',
    ),
    "columns": (
        json_answers.outputs({"y": np.array([[2.0, -1.5], [1.5, 2.5]], np.float32)}),
        '{\n    "outputs": [\n        [\n            2.0,\n            -1.5\n        ],\n        [\n            1.5,\n'
        "            2.5\n        ]\n    ]\n}",
    ),
    "columns of two outputs": (
        json_answers.outputs({"twice": np.array([20, 40]), "sum": np.array([[11.0]], np.float32)}),
        '{\n    "outputs": {\n        "twice": [\n            20,\n            40\n        ],\n        "sum": [\n'
        "            [\n                11.0\n            ]\n        ]\n    }\n}",
    ),
    "one value": (json_answers.outputs({"y": np.float32(5)}), '{\n    "outputs": 5.0\n}'),
    "one text as bytes": (
        json_answers.outputs({"raw_bytes": np.array(b"a", object)}),
        '{\n    "outputs": {\n        "b64": "YQ=="\n    }\n}',
    ),
    "text that is not UTF-8": (
        json_answers.predictions({"y": np.array([[b"\xff\xfe!", b"\0"]], object)}),
        b'{\n    "predictions": [["\xff\xfe!", "\\u0000"]\n    ]\n}',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(found: bytes, expected: str | bytes) -> None:
    assert found == (expected.encode() if isinstance(expected, str) else expected)


@several
@given(arrays_of.arrays("i4", arrays_of.array_shapes(min_dims=1, max_dims=5, max_side=3)))
def test_columns_are_indented_as_python_does(array: np.ndarray[Any, Any]) -> None:
    assert json_answers.outputs({"y": array}).decode() == json.dumps({"outputs": array.tolist()}, indent=4)


# === Classify and regress ===


def test_classifications() -> None:
    result = messages.ClassificationResult()
    for labels in (("low", "high"), ('a"b',)):
        row = result.classifications.add()
        for label in labels:
            row.classes.add(label=label, score=0.1)
    assert json_answers.classifications(result).decode() == (
        '{\n    "results": [[["low", 0.1], ["high", 0.1]], [["a\\"b", 0.1]]\n    ]\n}'
    )


def test_regressions() -> None:
    result = messages.RegressionResult()
    for value in (6.25, math.inf):
        result.regressions.add(value=value)
    assert json_answers.regressions(result) == b'{\n    "results": [6.25, Infinity]\n}'


@pytest.mark.parametrize(
    ("write", "kind"),
    [(json_answers.classifications, "ClassificationResult"), (json_answers.regressions, "RegressionResult")],
)
def test_no_results(write: Any, kind: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Cannot convert empty {kind}s to JSON$"):
        write(getattr(messages, kind)())
