"""Floats as TensorFlow Serving writes them, many at a time.

A float is written as C's "%.6g" does if that reads back to the same float, otherwise with 9 digits (a double: 17); a
whole number without an exponent ends in ".0".
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import orjson

Array = np.ndarray[Any, Any]

_CHUNK = 8192  # floats at a time: what is worked on stays in the processor's cache
_MANY = 1 / 16  # of the floats: from here on it is quicker to format all


def dumps(array: Array) -> bytes:
    """JSON text of nested lists, without blanks, of an array of float32 or float64."""
    values = np.ascontiguousarray(array).reshape(-1)
    with np.errstate(all="ignore"):
        if array.dtype == np.float64:
            return _formatted(values, _short_doubles(values), array.shape)
        rounded, short = np.empty(values.size), np.empty(values.size, bool)
        left: list[Array] = []
        for start in range(0, values.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            left.append(_round(values[part], rounded[part], short[part]) + start)
        others = np.concatenate(left) if left else np.empty(0, np.intp)
        if others.size > _MANY * values.size:
            return _formatted(values, short, array.shape)
        rounded[others] = np.nan
        text = write(rounded.reshape(array.shape))
        return _put_in(text, _formatted(values[others], short[others], others.shape)) if others.size else text


def write(array: Array) -> bytes:
    """JSON text of nested lists, as orjson writes it: for whole numbers and truth values."""
    content = np.ascontiguousarray(array) if array.ndim else array[()]  # orjson takes no array without dimensions
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _put_in(text: bytes, numbers: bytes) -> bytes:
    """Puts the numbers of a list in the places of `null`, which orjson writes for NaN."""
    return b"".join(chain.from_iterable(zip(text.split(b"null"), [*numbers[1:-1].split(b","), b""], strict=True)))


# === Most floats: rounded in NumPy ===


def _tables() -> tuple[Array, Array]:
    """By a float's exponent e: 10⁸⁻ˣ with x = ⌊log₁₀ |value|⌋, for the smaller values with that exponent at 2e, for
    the larger at 2e + 1; and where the larger ones begin, at e."""
    powers = [int(f"{2.0 ** (max(exponent, 1) - 127):e}".partition("e")[2]) for exponent in range(255)] + [38]
    scales = [float(f"1e{8 - power - larger}") for power in powers for larger in (0, 1)]
    steps = [float(f"1e{power + 1}") if power < 38 else np.inf for power in powers]
    return np.array(scales), np.array(steps, np.float32)


_SCALES, _STEPS = _tables()


def _round(values: Array, rounded: Array, short: Array) -> Array:
    """Rounds floats to the digits that they are written with: then orjson, which writes the shortest text that reads
    back, writes these digits.

    Args:
        values: float32, flat.
        rounded: where the results go, as doubles.
        short: for each, where it goes whether 6 digits are enough.

    Returns:
        the positions of those that orjson would write differently nonetheless.
    """
    size = np.abs(values)
    exponents = size.view(np.int32) >> 23
    scale = _SCALES.take(exponents * 2 + (size >= _STEPS.take(exponents)))
    scaled = size * scale  # nine digits before the point
    digits = np.rint(scaled)
    other = np.abs(scaled - digits) > 0.499999  # so close that the product's own rounding may matter
    six = np.rint(scaled * 1e-3) * 1e3
    np.equal((six / scale).astype(np.float32), size, out=short)
    np.copyto(digits, six, where=short)
    np.copysign(digits / scale, values, out=rounded)
    other &= ~short
    if not (size.min() >= 1e-4 and size.max() < 1e6):  # beyond these, one of the two ways has an exponent
        other |= ~((size >= 1e-4) & (size < 1e6) | (size == 0))
    return np.flatnonzero(other)


# === Any floats: formatted by Python ===

_TEMPLATES = {  # by numbers whose digits are in none of the templates
    44: "-Infinity%.0s",
    33: "Infinity%.0s",
    22: "NaN%.0s",
    5: "%.1f",
    4: "%.17g",
    3: "%.9g",
    2: "%.6g",
}


def _formatted(values: Array, short: Array, shape: tuple[int, ...]) -> bytes:
    single = values.dtype == np.float32
    size = np.abs(values)
    kinds = np.where(short, 2, 3 if single else 4).astype(np.uint8)
    kinds[(values == np.rint(values)) & (size < np.where(short, 1e6, 1e9 if single else 1e17))] = 5
    for kind, special in ((22, np.isnan(values)), (33, values == np.inf), (44, values == -np.inf)):
        kinds[special] = kind
    template = write(kinds.reshape(shape)).decode()
    for kind, text in _TEMPLATES.items():
        template = template.replace(str(kind), text)
    return (template % tuple(values.tolist())).encode()


def _short_doubles(values: Array) -> Array:
    """For each of some doubles, whether 6 digits are enough."""
    power = 5 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.abs(power)
    six = np.rint(np.where(power > 0, values * scale, values / scale))
    short = np.asarray(np.where(power > 0, six / scale, six * scale) == values) | (values == 0)
    for position in np.flatnonzero((np.abs(power) > 22) & np.isfinite(power)):  # the power of ten is not exact
        short[position] = float(f"{values[position]:.6g}") == values[position]
    return np.asarray(short)
