"""Tests which integers of an input `id_counts` takes for ids."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from keras import layers, ops
from keras_gallery.serving.signatures.lookups import id_counts


def table(count: int) -> Any:
    return layers.Embedding(count, 2)


def nested(count: int) -> keras.Model:
    x = keras.Input((3,), dtype="int32")
    return keras.Model(x, table(count)(x))


def increment() -> keras.Model:
    x = keras.Input((3,), dtype="int32")
    return keras.Model(x, ops.cast(x + 1, "float32"))


class Halved(layers.Embedding):
    def call(self, inputs: Any) -> Any:
        return super().call(inputs // 2)


CASES: dict[str, tuple[Any, set[int]]] = {
    "a table": (lambda x: table(5)(x), {5}),
    "two tables": (lambda x: ops.concatenate([table(5)(x), table(7)(x)]), {5, 7}),
    "a table with a mask": (lambda x: layers.GRU(2)(layers.Embedding(5, 2, mask_zero=True)(x)), {5}),
    "another shape": (lambda x: table(5)(layers.Reshape((3, 1))(x)), {5}),
    "a nested model": (lambda x: nested(6)(x), {6}),
    "a sequential model": (lambda x: keras.Sequential([keras.Input((3,), dtype="int32"), table(8)])(x), {8}),
    "a nested model and a table": (lambda x: ops.concatenate([nested(6)(x), table(4)(x)]), {4, 6}),
    "only some of the ids": (lambda x: table(5)(x[:, 0]), set()),
    "arithmetic before the table": (lambda x: table(5)(x // 2), set()),
    "arithmetic beside the table": (lambda x: table(5)(x) + ops.cast(x, "float32")[..., None], set()),
    "arithmetic in a nested model": (lambda x: table(5)(x) + increment()(x)[..., None], set()),
    "a layer of the user": (lambda x: Halved(5, 2)(x), set()),
    "no table": (lambda x: layers.CategoryEncoding(4, "multi_hot")(x), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_counts_of_the_tables_that_read_an_input(case: str) -> None:
    make, counts = CASES[case]
    x, other = keras.Input((3,), dtype="int32", name="x"), keras.Input((3,), dtype="int32", name="other")
    model = keras.Model({"x": x, "other": other}, [make(x), table(9)(other)])
    assert id_counts(model, x) == counts
    assert id_counts(model, other) == {9}
