"""Compares the step for the columns of a table with the TensorFlow function of the signatures for rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.preparation.description import CategoryColumn, Column, NumberColumn, Table
from keras_gallery.preparation.fields import BadPreparation
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.steps.base import read_steps
from keras_gallery.serving.steps.columns import TableColumns

from ..task_models import regressor

COLUMNS: tuple[Column, ...] = (
    NumberColumn("wind", 1.0, 2.0, 0.0, 9.5),
    CategoryColumn("sea area", ("Biscay", "Größe", "a b", "", "x" * 200)),
    NumberColumn("self"),
    CategoryColumn("colour", ("red", "(none)", "green"), missing="(none)"),
    CategoryColumn("port", ("A", "B", ""), missing="unknown"),
)


def rows(columns: tuple[Column, ...] = COLUMNS) -> Any:
    table = Table(columns)
    return endpoints(regressor((table.width,)), preparation=table)["regress_rows"]


def run(endpoint: Any, values: list[Any]) -> tuple[Any, Any]:
    """Returns the inputs of the model, from the function and from the step."""
    part = endpoint.parts[0]
    arrays = {
        spec.name: np.array([*each, None], object)[:-1] if spec.dtype == tf.string else np.array(each, np.float32)
        for spec, each in zip(endpoint.inputs, values, strict=True)
    }
    tensors = [tf.constant(arrays[spec.name].tolist(), spec.dtype) for spec in endpoint.inputs]
    (step,) = read_steps(json.loads(json.dumps([part.step().to_json()])))
    assert step == part.step()

    def call(function: Any) -> Any:
        try:
            return function()
        except (tf.errors.InvalidArgumentError, InvalidArgument) as error:
            return error

    specs = [tf.TensorSpec((None,), spec.dtype) for spec in endpoint.inputs]
    graph = tf.function(part.function, specs, autograph=False)  # without a graph, messages are cut
    return call(lambda: graph(*tensors)["features"].numpy()), call(lambda: step.run(arrays, {})["features"])


WIND, AREA, NUMBER, COLOUR, PORT = [1.5], [b"Biscay"], [2.0], [b"red"], [b"A"]
VALID = {
    "one row": [WIND, AREA, NUMBER, COLOUR, PORT],
    "no row": [[], [], [], [], []],
    "several rows": [
        [1.5, -1e30, 1e-40],
        [b"Biscay", "Größe".encode(), b"x" * 200],
        [2, 0, -0.0],
        [b"red", b"(none)", b"green"],
        [b"A", b"B", b"A"],
    ],
    "blanks around values": [[1, 2], [b" Biscay", b"\t\n\x0b\x0c\ra b  "], [1, 2], [b"red ", b" green"], [b"A", b" B"]],
    "missing values": [[1, 2], [b"", b"  "], [1, 2], [b"", b" \t"], [b"A", b"B"]],
}
WRONG = {
    "NaN": [[1.0, np.nan], AREA * 2, NUMBER * 2, COLOUR * 2, PORT * 2],
    "infinity": [WIND, AREA, [-np.inf], COLOUR, PORT],
    "an unknown category": [WIND, [b"biscay"], NUMBER, COLOUR, PORT],
    "a blank inside": [WIND, [b"a  b"], NUMBER, COLOUR, PORT],
    "no UTF-8": [WIND, [b"\xff\xe2\x82 z\xc0\x80"], NUMBER, COLOUR, PORT],
    "control characters": [WIND, AREA, NUMBER, [b"a\x00b\x1b[31m\xc2\x85\n."], PORT],
    "a long value": [WIND * 3, [b"Biscay", "ö".encode() * 300, b"?"], NUMBER * 3, COLOUR * 3, PORT * 3],
    "a missing value that training did not have": [WIND, AREA, NUMBER, COLOUR, [b" "]],
}


@pytest.mark.parametrize("case", VALID)
def test_features_are_those_of_tensorflow(case: str) -> None:
    want, got = run(rows(), VALID[case])
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("case", WRONG)
def test_errors_are_those_of_tensorflow(case: str) -> None:
    want, got = run(rows(), WRONG[case])
    assert isinstance(got, InvalidArgument) and isinstance(want, tf.errors.InvalidArgumentError)
    assert f"assertion failed: [{got}]" in want.message


def test_columns_of_different_lengths() -> None:
    want, got = run(rows(), [[1, 2], AREA, NUMBER, COLOUR, PORT])
    assert isinstance(want, tf.errors.InvalidArgumentError)
    assert str(got) == "Expected the same number of rows in all columns. Received: 1 and 2"


@pytest.mark.parametrize("columns", [COLUMNS[:1], COLUMNS[1:2], COLUMNS[3:4]])
def test_tables_of_one_kind_of_column(columns: tuple[Column, ...]) -> None:
    endpoint = rows(columns)
    inputs = endpoint.example(5)
    want, got = run(endpoint, [[v.encode() if isinstance(v, str) else v for v in inputs[k]] for k in inputs])
    assert want.shape == (5, Table(columns).width) and want.any()
    np.testing.assert_array_equal(got, want)


def test_other_dtypes() -> None:
    arrays = {"a": np.array([1.5], np.float32), "b": np.array([b"y"], object)}
    columns = (NumberColumn("a"), CategoryColumn("b", ("x", "y")))
    got = TableColumns(("a", "b"), columns, "features", "float64").run(arrays, {})["features"]
    assert got.dtype == np.float64 and got.tolist() == [[1.5, 0, 1]]


@pytest.mark.parametrize(
    ("field", "value"), [("inputs", ["a"]), ("columns", [{"name": "a", "type": "text"}]), ("dtype", "int32")]
)
def test_wrong_json_is_refused(field: str, value: Any) -> None:
    good = TableColumns(("a", "b"), (NumberColumn("a"), NumberColumn("b")), "features", "float32").to_json()
    assert read_steps([good])
    with pytest.raises(BadPreparation):
        read_steps([good | {field: value}])
