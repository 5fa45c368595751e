"""Compares the step that reads tf.Examples with `tf.io.parse_example`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.steps.examples import Examples

from ..task_models import classifier, regressor

SHAPE = (2, 3)
VALUES = [1.5, -2.0, 0.0, 1e-40, 3e38, 7.0]
KINDS = {float: "float_list", int: "int64_list", bytes: "bytes_list"}


def serialized(**features: list[Any]) -> bytes:
    example = tf.train.Example()
    for name, values in features.items():
        getattr(example.features.feature[name], KINDS[type(values[0])]).value.extend(values)
    return bytes(example.SerializeToString())


def unpacked(values: list[float]) -> bytes:
    """Returns a tf.Example whose floats are not packed, as protocol buffers of version 2 are written."""
    floats = b"".join(b"\x0d" + np.float32(value).tobytes() for value in values)
    for tag in (b"\x12", b"\x0a\x01f\x12", b"\x0a", b"\x0a"):  # float_list, key and feature, entry, features
        head, _, last = tag.partition(b"f")
        floats = (head + b"f" + last if last else head) + bytes([len(floats)]) + floats
    return floats


def step(examples: list[bytes], shape: tuple[int, ...] = SHAPE, dtype: str = "float32") -> Any:
    array = np.array([*examples, None], object)[:-1]
    return Examples("inputs", "f", shape, dtype).run({"inputs": array}, {})["f"]


def parsed(examples: list[bytes], shape: tuple[int, ...] = SHAPE) -> Any:
    features = {"f": tf.io.FixedLenFeature(shape, tf.float32)}
    return tf.io.parse_example(tf.constant(examples, tf.string), features)["f"].numpy()


EMPTY_FEATURE = b"\x0a\x07\x0a\x05\x0a\x01f\x12\x00"
VALID = {
    "no example": [],
    "one": [serialized(f=VALUES)],
    "several": [serialized(f=[float(i + at) for i in range(6)]) for at in range(5)],
    "other features": [serialized(a=[1], f=VALUES, z=[b"x"])],
    "NaN and infinity": [serialized(f=[np.nan, np.inf, -np.inf, -0.0, 1.0, 2.0])],
    "two joined": [serialized(f=[9.0], a=[1]) + serialized(f=VALUES)],
    "an empty feature after it": [serialized(f=VALUES) + serialized(g=[1])],
    "not packed": [unpacked(VALUES)],
    "an unknown field": [serialized(f=VALUES) + b"\x10\x05"],
}
WRONG = {
    "too few values": [serialized(f=VALUES), serialized(f=VALUES[:5])],
    "too many values": [serialized(f=[*VALUES, 1.0])],
    "no values": [b"\x0a\x09\x0a\x07\x0a\x01f\x12\x02\x12\x00"],
    "a missing feature": [serialized(f=VALUES), serialized(g=VALUES)],
    "an empty example": [b""],
    "a feature without a kind": [EMPTY_FEATURE],
    "integers": [serialized(f=VALUES), serialized(f=[1, 2, 3, 4, 5, 6])],
    "texts": [serialized(f=[b"a"])],
    "damaged": [serialized(f=VALUES), b"abc"],
    "cut": [serialized(f=VALUES)[:-1]],
}


@pytest.mark.parametrize("case", VALID)
def test_values_are_those_of_tensorflow(case: str) -> None:
    got, want = step(VALID[case]), parsed(VALID[case])
    assert got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes()


@pytest.mark.parametrize("case", WRONG)
def test_errors_are_those_of_tensorflow(case: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as want:
        parsed(WRONG[case])
    with pytest.raises(InvalidArgument) as got:
        step(WRONG[case])
    # TensorFlow's message is cut at the first zero.
    message = want.value.message.partition("}} ")[2].removesuffix(" [Op:ParseExampleV2]")
    assert message and str(got.value).startswith(message.partition("\x00")[0])


def test_a_damaged_example_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidArgument) as error:
        step([b"\xff" * 10_000])
    assert str(error.value) == f"Could not parse example input, value: '{chr(0xFFFD) * 100}'"


def test_scalars_and_other_dtypes() -> None:
    np.testing.assert_array_equal(step([serialized(f=[1.5])], ()), parsed([serialized(f=[1.5])], ()))
    assert step([serialized(f=[1.5])], (), "float64").dtype == np.float64


def test_changed_bytes_are_read_as_in_tensorflow_or_refused() -> None:
    rng = np.random.default_rng(0)
    whole, equal = serialized(f=VALUES, a=[1]), 0
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(len(changed))] = rng.integers(256)
        try:
            got = step([bytes(changed)])
            want = parsed([bytes(changed)])
        except (InvalidArgument, tf.errors.InvalidArgumentError, UnicodeDecodeError):  # the last one: of the message
            continue
        assert got.tobytes() == want.tobytes()
        equal += 1
    assert equal > 50


@pytest.mark.parametrize("name", ["classify_example", "regress_example"])
def test_the_part_and_the_step_of_a_signature_are_equal(name: str) -> None:
    model = classifier() if name == "classify_example" else regressor()
    endpoint = endpoints(model)[name]
    part, inputs = endpoint.parts[0], endpoint.example(3)
    want = {key: value.numpy() for key, value in part.function(tf.constant(inputs["inputs"])).items()}
    assert part.step is not None
    got = part.step().run(inputs, {})
    assert got.keys() == want.keys() and len(want) == 1
    for key, value in want.items():
        assert len(value) == 3 and got[key].dtype == value.dtype
        np.testing.assert_array_equal(got[key], value)
