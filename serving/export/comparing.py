"""Compares the outputs of two runtimes."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def difference(got: Array, want: Array) -> float | str:
    """Returns the largest difference between floats: absolute for expected values up to 1, relative for larger values.

    NaN equals NaN, and an infinity equals the same infinity. Returns a description instead of a number if the shapes
    differ, if the kinds of the dtypes differ (such as float and integer), or if values other than floats differ.

    Args:
        got: the array to check.
        want: the expected array.
    """
    if want.dtype == object:  # texts, which are str in some runtimes and bytes in others
        texts = [each if isinstance(each, bytes) else str(each).encode() for each in got.flat]
        got = np.array(texts, object).reshape(got.shape)
    got, want = (each.astype(np.float32) if each.dtype.kind == "V" else each for each in (got, want))  # bfloat16
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind:
        return f"of shape {got.shape} and type {got.dtype}"
    if want.dtype.kind != "f":
        return (
            0.0 if np.array_equal(got, want) else f"different in {np.count_nonzero(got != want)} of {want.size} values"
        )
    new, old = got.astype(np.float64), want.astype(np.float64)
    same = (new == old) | (np.isnan(new) & np.isnan(old))
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.abs(new - old) / np.maximum(np.abs(old), 1.0))
    return float(np.nan_to_num(off, nan=np.inf, posinf=np.inf).max(initial=0.0))


def too_far(off: float | str, tolerance: float) -> str:
    """Returns a description of `off`, the result of `difference`, or "" if `off` is within the tolerance."""
    if isinstance(off, str):
        return off
    return "" if off <= tolerance else f"off by {off:.1e}"
