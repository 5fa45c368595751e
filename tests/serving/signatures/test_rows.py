"""Tests of the names of the inputs of signatures for rows of a table."""

from __future__ import annotations

from keras_gallery.serving.signatures.rows import safe_names


def test_names_that_tensorflow_cannot_export_are_replaced() -> None:
    assert safe_names(["Age", "sea area", "age", "self", "class", "size", "Column_2"]) == [
        *("Age", "column_2_", "column_3", "column_4", "column_5", "size", "Column_2"),
    ]
