"""How far one runtime's answers are from another's."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def difference(got: Array, want: Array) -> float | str:
    """The greatest difference of floats, absolutely or of the value where that is more than 1.

    Words where that is no number: for another shape or kind, and for anything else than floats that differs. What is
    no number in both, or infinite, is the same.
    """
    if want.dtype == object:  # texts, which some runtimes give as such, and others as bytes
        texts = [each if isinstance(each, bytes) else str(each).encode() for each in got.flat]
        got = np.array(texts, object).reshape(got.shape)
    if got.shape != want.shape or got.dtype.kind != want.dtype.kind:
        return f"of shape {got.shape} and type {got.dtype}"
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else f"other in {np.count_nonzero(got != want)} of {want.size} values"
    new, old = got.astype(np.float64), want.astype(np.float64)
    same = (new == old) | (np.isnan(new) & np.isnan(old))
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.abs(new - old) / np.maximum(np.abs(old), 1.0))
    return float(np.nan_to_num(off, nan=np.inf, posinf=np.inf).max(initial=0.0))


def too_far(off: float | str, tolerance: float) -> str:
    """What is wrong with a difference, in words; "" where nothing is."""
    if isinstance(off, str):
        return off
    return "" if off <= tolerance else f"off by {off:.1e}"
