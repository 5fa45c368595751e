"""Tests of reading JSON numbers. The values must equal exact arithmetic or recorded values of TensorFlow Serving."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.json.reader import loads

from ....random_inputs import random_inputs

many_examples = random_inputs(300)
digits = st.text("0123456789", max_size=25)
whole = st.just("0") | st.builds("{}{}".format, st.integers(1, 9), digits)
fraction = st.just("") | st.builds(".{}{}".format, digits, st.integers(0, 9))
exponent = st.just("") | st.builds(
    "{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 400)
)
texts = st.builds("{}{}{}{}".format, st.sampled_from(["", "-"]), whole, fraction, exponent)


def read(text: str) -> int | float:
    [number] = loads(b"[" + text.encode() + b"]")
    assert isinstance(number, int | float)
    return number


@pytest.mark.parametrize("value", [0, 1, -1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)])
def test_integers_of_64_bits(value: int) -> None:
    assert type(read(str(value))) is int
    assert read(str(value)) == value


def test_minus_zero_is_an_integer() -> None:
    assert type(read("-0")) is int
    assert math.copysign(1, read("-0.0")) == -1


@pytest.mark.parametrize("text", ["18446744073709551616", "-9223372036854775809", "1.0", "1e3", "-0e0"])
def test_all_other_numbers_are_floats(text: str) -> None:
    assert type(read(text)) is float
    assert read(text) == float(text)


@many_examples
@given(st.integers(0, 10**15 - 1), st.integers(-22, 22))
def test_numbers_with_few_digits_are_exact(significand: int, power: int) -> None:
    text = f"{significand}e{power}"
    assert read(text) == float(text)


@many_examples
@given(texts)
def test_all_numbers_are_near_the_exact_value(text: str) -> None:
    try:
        number = read(text)
    except InvalidArgument:
        assert Fraction(text) == 0 or abs(Fraction(text)) > 10**307
        return
    exact = Fraction(text)
    # RapidJSON uses the first 17 digits of a number and rounds several times.
    tolerance = abs(exact) * Fraction(60, 2**53) + Fraction(5e-324)
    assert abs(Fraction(number) - exact) <= tolerance


@pytest.mark.parametrize(
    ("text", "value"),
    [  # recorded answers of TensorFlow Serving
        ("123456789012345678901234567890", 1.2345678901234566e29),
        ("0.30000000000000004", 0.30000000000000004),
        ("3.4028235e38", 3.4028235e38),
    ],
)
def test_rounding_equals_tensorflow_serving(text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize("text", ["1e309", "1000e306", "-1e400", "0e310", "1e99999999999999999999", "9" * 400])
def test_too_big(text: str) -> None:
    with pytest.raises(InvalidArgument, match="Number too big to be stored in double. at offset: 1$"):
        read(text)


@pytest.mark.parametrize(("text", "value"), [("1e-400", 0.0), ("1e-99999999999999", 0.0)])
def test_too_small(text: str, value: float) -> None:
    assert read(text) == value


def test_any_number_of_digits() -> None:
    assert read("0." + "0" * 100_000 + "1") == 0
    assert read("1." + "3" * 100_000) == pytest.approx(4 / 3, rel=1e-15)
