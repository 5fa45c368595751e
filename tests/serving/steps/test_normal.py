"""Compares the step that draws codes with `tf.random.stateless_normal`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.steps.normal import NormalCodes, _philox, normal

SEEDS = [0, 1, 2, -1, 42, 1 << 31, 1 << 32, (1 << 32) + 5, -(1 << 32), (1 << 63) - 1, -(1 << 63), 123_456_789_012_345]
SHAPES = [(1,), (2,), (3,), (50,), (2, 3), (5, 7, 3)]


def tensorflow(seed: int, *shape: int) -> Any:
    return tf.random.stateless_normal(shape, tf.constant([seed, 0], tf.int64), alg="philox").numpy()


def step(seed: int, count: int, *shape: int, dtype: str = "float32") -> Any:
    arrays = {"seed": np.array(seed, np.int64), "count": np.array(count, np.int32)}
    return NormalCodes("seed", "count", "code", shape, dtype, 1024).run(arrays, {})["code"]


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_those_of_tensorflow(seed: int) -> None:
    for shape in SHAPES:
        for count in (1, 2, 3, 17):
            got, want = step(seed, count, *shape), tensorflow(seed, count, *shape)
            assert got.dtype == want.dtype == np.float32 and got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


def test_random_seeds() -> None:
    for seed in np.random.default_rng(0).integers(-(1 << 63), (1 << 63) - 1, 200):
        np.testing.assert_allclose(normal(int(seed), 9), tensorflow(int(seed), 9), rtol=1e-6, atol=1e-6)


def test_many_numbers() -> None:
    got, want = step(7, 1024, 200), tensorflow(7, 1024, 200)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=2e-6)
    assert abs(float(got.mean())) < 0.01 and abs(float(got.std()) - 1) < 0.01


def test_the_logarithm_of_zero() -> None:
    """One of these numbers has 0 as the first of its two uniform numbers."""
    got = normal(1036, 12_654)
    assert got[12_652:].max() > 4 or got[12_652:].min() < -4
    np.testing.assert_allclose(got, tensorflow(1036, 12_654), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_integers_are_those_of_tensorflow(seed: int) -> None:
    """With a key and a counter of our own, TensorFlow's integers are the words of the counters one after the other."""
    key = [seed % (1 << 32), 7]
    algorithm = tf.random.Algorithm.PHILOX.value
    state = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[40],
        key=tf.constant([(key[1] << 32) + key[0]], tf.uint64),
        counter=tf.constant([0, 5], tf.uint64),
        alg=algorithm,
        dtype=tf.uint32,
    )
    counters = np.zeros((4, 10), np.uint32)
    counters[0], counters[2] = np.arange(10), 5
    np.testing.assert_array_equal(_philox(counters, (key[0], key[1])).T.ravel(), state.numpy())


@pytest.mark.parametrize("count", [0, -1, 1025, -(1 << 31), (1 << 31) - 1])
def test_counts_out_of_range(count: int) -> None:
    with pytest.raises(InvalidArgument, match=f"^Expected a count from 1 to 1024. Received: {count}$"):
        step(0, count, 1 << 20)


def test_other_dtypes() -> None:
    np.testing.assert_array_equal(step(3, 2, 5, dtype="float16"), tensorflow(3, 2, 5).astype(np.float16))
