"""Tests the steps of categories and words against the TensorFlow functions of the same signatures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.preparation.description import CategoryColumn, Table
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.steps.arrays import Count
from keras_gallery.serving.steps.base import Graph, run_steps
from keras_gallery.serving.steps.categories import ROWS, Nearest

from .. import text_models
from ..text_models import CITIES, COUNTRIES, TEXTS
from .endpoint_steps import answers, assert_equal, steps_of

COUNTRY = CategoryColumn("country", tuple(COUNTRIES), missing="Peru")
CITY = CategoryColumn("city", tuple(CITIES))


def strings(*values: str | bytes) -> Any:
    return np.array([value.encode() if isinstance(value, str) else value for value in values] + [None], object)[:-1]


@pytest.mark.parametrize("preparation", [None, Table((COUNTRY, CITY), encoding="ids")], ids=["ids", "rows"])
def test_regress(preparation: Any) -> None:
    keras.utils.set_random_seed(0)
    signatures = endpoints(text_models.places(), texts=TEXTS["places"], preparation=preparation)
    countries = strings("Peru", " Peru\t", "", "  ", "peru", b"\xff", "\xa0France")
    cities = strings("Lima", "\x0bParis", "Paris\x0c", "", "\x1cLima", "Lima\x00", "Wellington")
    for name in ("regress", "regress_rows"):
        steps = steps_of(signatures[name])
        want, got = answers(signatures[name], steps, {"country": countries, "city": cities})
        assert_equal(want, got)
        assert len(np.unique(want["prediction"])) > 2
        assert_equal(*answers(signatures[name], steps, {"country": countries[:0], "city": cities[:0]}))


def test_ids_of_each_field_are_checked() -> None:
    endpoint = endpoints(text_models.places(), texts=TEXTS["places"])["serving_default"]
    steps = steps_of(endpoint)
    assert_equal(*answers(endpoint, steps, {"ids": np.array([[5, 4], [0, 0]], np.int32)}))
    for row in ([5, 5], [6, 4]):
        ids = np.array([row], np.int32)
        with pytest.raises(InvalidArgument, match=r"^indices\[0,\d\] = \d is not in \[0, \d\)$"):
            run_steps(steps[0], {"ids": ids}, steps[1])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[\d\] = \d is not in \[0, \d\)"):
            endpoint.function(tf.constant(ids))


def test_words() -> None:
    keras.utils.set_random_seed(0)
    signatures = endpoints(text_models.words(), texts=TEXTS["words"])
    embed, nearest = signatures["embed"], signatures["nearest"]
    assert_equal(*answers(embed, steps_of(embed), {"word": strings("GREAT", "?", "")}))
    steps = steps_of(nearest)
    for words in (["Great", "bad"], ["film"] * (2 * ROWS + 1), []):
        for count in (1, 3, 1024):
            assert_equal(*answers(nearest, steps, {"word": strings(*words), "count": np.array(count, np.int32)}))
    with pytest.raises(InvalidArgument, match="^Expected a word that the model knows. Received: zebra$"):
        steps[0][2].run({"word": strings("film", "zebra"), "word_ids": np.array([5, 1])}, {})


def test_analogies() -> None:
    keras.utils.set_random_seed(0)
    analogy = endpoints(text_models.words(), texts=TEXTS["words"])["analogy"]
    steps = steps_of(analogy)
    for a, b, c in (
        (["Great"], ["bad"], ["film"]),
        (["a"] * (2 * ROWS + 1), ["good"] * (2 * ROWS + 1), ["a"] * (2 * ROWS + 1)),
        ([], [], []),
    ):
        words = {"a": strings(*a), "b": strings(*b), "c": strings(*c)}
        for count in (1, 3, 1024):
            assert_equal(*answers(analogy, steps, words | {"count": np.array(count, np.int32)}))
    for word in "abc":
        unknown = {each: strings("zebra" if each == word else "film") for each in "abc"}
        with pytest.raises(InvalidArgument, match="^Expected a word that the model knows. Received: zebra$"):
            run_steps(steps[0], unknown | {"count": np.array(1, np.int32)}, steps[1])


def test_equal_similarities_are_in_the_order_of_the_names() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 4, 29):
        names = tuple(map(str, range(30)))
        cosines = rng.integers(-2, 3, (70, 30)).astype(np.float32) / 2
        ids = rng.integers(2, 32, 70)
        others = np.where(np.arange(30) == ids[:, None] - 2, -2, cosines)
        want = tf.math.top_k(tf.constant(others, tf.float32), count)
        rows = iter([cosines[:ROWS].copy(), cosines[ROWS:].copy()])
        step = Nearest("ids", Graph("cosines"), names)
        got = step.run(
            {"ids": ids, "count": np.array(count)}, {"cosines": lambda _, rows=rows: {"cosines": next(rows)}}
        )
        np.testing.assert_array_equal(got["similarities"], want.values)
        np.testing.assert_array_equal(got["names"].astype(int), want.indices)


@pytest.mark.parametrize("count", [-(1 << 31), 0, 1025, (1 << 31) - 1])
def test_counts_out_of_range(count: int) -> None:
    with pytest.raises(InvalidArgument, match=f"^Expected a count from 1 to 1024. Received: {count}$"):
        Count("count", 1024).run({"count": np.array(count, np.int32)}, {})
    assert Count("count", 1024).run({"count": np.array(1024, np.int32)}, {}) == {}
