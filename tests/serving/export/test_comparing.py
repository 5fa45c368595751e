"""Tests the comparison of the outputs of two runtimes."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from keras_gallery.serving.export.comparing import difference, too_far

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("got", "want", "off"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0),
        ([0.5, 0.25], [0.5, 0.0], 0.25),
        ([1010.0], [1000.0], 0.01),  # the difference is relative for values above 1
        ([NAN, INF, -INF], [NAN, INF, -INF], 0),
        ([NAN], [1.0], INF),
        ([1.0], [NAN], INF),
        ([INF], [-INF], INF),
        ([], [], 0),
    ],
)
def test_floats(got: list[float], want: list[float], off: float) -> None:
    assert difference(np.array(got, np.float32), np.array(want, np.float32)) == pytest.approx(off, rel=1e-6)


def test_integers_strings_and_different_shapes() -> None:
    assert difference(np.array([1, 2]), np.array([1, 2])) == 0
    assert difference(np.array([1, 2, 4]), np.array([1, 2, 3])) == "different in 1 of 3 values"
    assert difference(np.zeros((2, 1)), np.zeros((1, 2))) == "of shape (2, 1) and type float64"
    assert difference(np.zeros(2, int), np.zeros(2)) == "of shape (2,) and type int64"
    assert difference(np.array(["é", "b"]), np.array(["é".encode(), b"b"], object)) == 0
    assert difference(np.array([b"a"], object), np.array([b"b"], object)) == "different in 1 of 1 values"


def test_bfloat16() -> None:
    one, next_one = (np.array([each], ml_dtypes.bfloat16) for each in (1, 1.0078125))
    assert difference(one, one) == 0
    assert difference(next_one, one) == 0.0078125


def test_too_far_describes_the_difference() -> None:
    assert too_far(1e-5, 1e-4) == too_far(1e-4, 1e-4) == ""
    assert too_far(2e-4, 1e-4) == "off by 2.0e-04"
    assert too_far(INF, 1e-4) == "off by inf"
    assert too_far("of shape (1,) and type float64", 1e-4) == "of shape (1,) and type float64"
