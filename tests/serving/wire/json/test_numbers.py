"""JSON numbers: against Python's own reading, exact arithmetic, and answers of TensorFlow Serving."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_gallery.serving.wire.json.numbers import NUMBER, has_long, has_rounded, number, shortest

several = settings(max_examples=300, deadline=None, database=None)
digits = st.text("0123456789", max_size=25)
whole = st.just("0") | st.builds("{}{}".format, st.integers(1, 9), digits)
fraction = st.just("") | st.builds(".{}{}".format, digits, st.integers(0, 9))
exponent = st.just("") | st.builds(
    "{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 400)
)
texts = st.builds("{}{}{}{}".format, st.sampled_from(["", "-"]), whole, fraction, exponent)


def read(text: str) -> int | float:
    match = NUMBER.fullmatch(text.encode())
    assert match is not None
    return number(*match.groups(b""))


@pytest.mark.parametrize("value", [0, 1, -1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)])
def test_whole_numbers_of_64_bits(value: int) -> None:
    assert type(read(str(value))) is int
    assert read(str(value)) == value


def test_minus_zero_is_a_whole_number() -> None:
    assert type(read("-0")) is int
    assert math.copysign(1, read("-0.0")) == -1


@pytest.mark.parametrize("text", ["18446744073709551616", "-9223372036854775809", "1.0", "1e3", "-0e0"])
def test_all_other_numbers_are_floats(text: str) -> None:
    assert type(read(text)) is float
    assert read(text) == float(text)


@several
@given(st.integers(0, 10**15 - 1), st.integers(-22, 22))
def test_exact_where_significand_and_power_are(significand: int, power: int) -> None:
    text = f"{significand}e{power}"
    assert read(text) == float(text)


@several
@given(texts)
def test_near_the_exact_value(text: str) -> None:
    try:
        found = read(text)
    except OverflowError:
        assert Fraction(text) == 0 or abs(Fraction(text)) > 10**307
        return
    if not math.isfinite(found):
        assert abs(Fraction(text)) > 10**308
        return
    exact = Fraction(text)
    # Of long numbers the first 17 digits count; each step after them rounds once more.
    tolerance = abs(exact) * Fraction(60, 2**53) + Fraction(5e-324)
    assert abs(Fraction(found) - exact) <= tolerance


@pytest.mark.parametrize(
    ("text", "value"),
    [  # as TensorFlow Serving answered them
        ("123456789012345678901234567890", 1.2345678901234566e29),
        ("0.30000000000000004", 0.30000000000000004),
        ("3.4028235e38", 3.4028235e38),
    ],
)
def test_rounds_as_tensorflow_serving(text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize("text", ["1e309", "-1e400", "0e310", "1e99999999999999999999", "9" * 400])
def test_too_big(text: str) -> None:
    with pytest.raises(OverflowError):
        read(text)


@pytest.mark.parametrize(("text", "value"), [("1000e306", math.inf), ("1e-400", 0.0), ("1e-99999999999999", 0.0)])
def test_beyond_a_double(text: str, value: float) -> None:
    assert read(text) == value


@several
@given(st.lists(texts, max_size=5))
def test_numbers_that_are_not_rounded_are_the_nearest(numbers: list[str]) -> None:
    text = ("[" + ", ".join(numbers) + "]").encode()
    if not has_rounded(text):
        assert [read(each) for each in numbers] == [float(each) for each in numbers]


@pytest.mark.parametrize(("text", "long"), [("", False), ("1" * 16, False), ("0." + "1" * 15, True), ("a" * 20, False)])
def test_long_numbers(text: str, long: bool) -> None:
    assert has_long(text.encode()) is has_long(f"[{text}]".encode()) is long


@pytest.mark.parametrize(
    ("text", "rounded"), [("[1e5]", True), ("[1.5E-5]", True), ("[1.5, true]", False), ("e", False)]
)
def test_exponents(text: str, rounded: bool) -> None:
    assert has_rounded(text.encode()) is rounded


def test_any_number_of_digits() -> None:
    assert read("0." + "0" * 100_000 + "1") == 0
    assert read("1." + "3" * 100_000) == pytest.approx(4 / 3, rel=1e-15)


@several
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_shortest_reads_back(value: float) -> None:
    text = shortest(value).decode()
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert "." in text or "e" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"), (-2.5, "-2.5"), (0.0, "0.0"), (-0.0, "-0.0"), (1e20, "100000000000000000000.0"), (1e21, "1e21"),
        (1.5e300, "1.5e300"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.25e-10, "1.25e-10"), (123456.789, "123456.789"),
    ],
)  # fmt: skip
def test_shortest_is_laid_out_as_rapidjson_does(value: float, text: str) -> None:
    assert shortest(value).decode() == text
