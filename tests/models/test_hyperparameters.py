"""Tests of reading hyperparameters from a builder's signature, and of parsing and checking their values."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from keras_gallery.models.errors import BadHyperparameter
from keras_gallery.models.hyperparameters import (
    Count,
    Counts,
    Fraction,
    Hyperparameter,
    ImageShape,
    NonNegative,
    hyperparameters_of,
)


def builder(
    *,
    count: Count = 32,
    fraction: Fraction = 0.4,
    spread: NonNegative = 1.0,
    flag: bool = False,
    choice: Literal["gaussian", "masking"] = "gaussian",
    shape: ImageShape = (28, 28, 1),
    counts: Counts = (32, 64),
) -> None:
    """A builder for these tests.

    Args:
        count: how many,
            on two lines.
        shape: of the images: height, width, channels.
    """


KNOWN = {each.name: each for each in hyperparameters_of(builder)}


def test_hyperparameters_are_read_from_signature() -> None:
    assert list(KNOWN) == ["count", "fraction", "spread", "flag", "choice", "shape", "counts"]
    assert KNOWN["count"] == Hyperparameter("count", int, 32, "how many, on two lines.", minimum=1, maximum=65536)
    assert KNOWN["shape"].help == "of the images: height, width, channels."
    assert KNOWN["choice"].choices == ("gaussian", "masking")
    assert (KNOWN["fraction"].minimum, KNOWN["fraction"].maximum) == (0, 1)
    assert (KNOWN["shape"].length, KNOWN["counts"].length) == (3, None)


def test_unsupported_signatures_are_rejected() -> None:
    def of_text(*, text: str = "a") -> None: ...

    with pytest.raises(TypeError, match="Expected int, float, bool, Literal or tuple"):
        hyperparameters_of(of_text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "1", 1),
        ("fraction", "0", 0.0),
        ("fraction", "1e-1", 0.1),
        ("flag", "True", True),
        ("flag", "false", False),
        ("flag", "yes", True),
        ("choice", "masking", "masking"),
        ("shape", "8,8,1", (8, 8, 1)),
        ("shape", "8, 9, 3", (8, 9, 3)),
        ("counts", "16", (16,)),
        ("counts", "16,32,64", (16, 32, 64)),
    ],
)
def test_parse(name: str, text: str, value: object) -> None:
    parsed = KNOWN[name].parse(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("count", "0"),
        ("count", "65537"),
        ("count", "1.5"),
        ("count", ""),
        ("spread", "-1"),
        ("flag", "maybe"),
        ("fraction", "1.01"),
        ("fraction", "-0.1"),
        ("fraction", "nan"),
        ("fraction", "inf"),
        ("choice", "Masking"),
        ("shape", "28,28"),
        ("shape", "28,28,1,1"),
        ("shape", "28,28,0"),
        ("shape", "28,28,4097"),
        ("shape", "28x28x1"),
        ("counts", ""),
        ("counts", "16,,32"),
    ],
)
def test_parse_rejects_invalid_text(name: str, text: str) -> None:
    with pytest.raises(BadHyperparameter) as caught:
        KNOWN[name].parse(text)
    message = str(caught.value)
    assert message.startswith(f"Expected {name} to be {KNOWN[name].expects}. Received: ")


@pytest.mark.parametrize(
    ("name", "value", "checked"),
    [
        ("count", np.int64(3), 3),
        ("fraction", 1, 1.0),
        ("fraction", np.float32(0.5), 0.5),
        ("shape", [28, 28, 1], (28, 28, 1)),  # a list, as in JSON
    ],
)
def test_check_converts_to_the_type(name: str, value: object, checked: object) -> None:
    found = KNOWN[name].check(value)
    assert found == checked and type(found) is type(checked)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", True),
        ("count", 2.0),
        ("count", "3"),
        ("count", None),
        ("fraction", False),
        ("fraction", float("nan")),
        ("flag", 1),
        ("choice", ["gaussian"]),
        ("shape", 28),
        ("shape", "28,28,1"),
        ("shape", (28.0, 28, 1)),
        ("shape", (28, 28, True)),
        ("counts", ()),
    ],
)
def test_check_rejects_invalid_values(name: str, value: object) -> None:
    with pytest.raises(BadHyperparameter, match="^Expected .*Received: "):
        KNOWN[name].check(value)


@pytest.mark.parametrize("name", ["count", "fraction", "spread", "counts"])
@pytest.mark.parametrize("digits", [400, 5000])  # too large for a float; too long for Python's int()
def test_very_long_numbers_are_rejected(name: str, digits: int) -> None:
    with pytest.raises(BadHyperparameter, match="^Expected "):
        KNOWN[name].parse("9" * digits)


@pytest.mark.parametrize("name", ["count", "spread"])
def test_integer_too_large_for_float_is_rejected(name: str) -> None:
    with pytest.raises(BadHyperparameter, match="^Expected "):
        KNOWN[name].check(10**400)


def test_description_of_allowed_values() -> None:
    assert {name: known.expects for name, known in KNOWN.items()} == {
        "count": "an integer from 1 to 65536",
        "fraction": "a number from 0 to 1",
        "spread": "a number of at least 0",
        "flag": "true or false",
        "choice": "one of gaussian, masking",
        "shape": "3 integers from 1 to 4096",
        "counts": "one or more integers from 1 to 65536",
    }


def test_long_values_are_cut_in_messages() -> None:
    with pytest.raises(BadHyperparameter, match="Received: an integer with thousands of digits."):
        KNOWN["count"].check(10**5_000)
    with pytest.raises(BadHyperparameter, match="Received: 1{200}…."):
        KNOWN["count"].check(int("1" * 1_000))
