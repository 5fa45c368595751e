"""Numbers as RapidJSON, TensorFlow Serving's JSON library, reads and writes them."""

from __future__ import annotations

import re

import numpy as np

# Minus sign, digits before and after the point, exponent.
NUMBER = re.compile(rb"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
LONG = 17  # digits with a point that may make a significand of more than 53 bits, so that rounding matters

# Letters come first in these, since those are searched for ten times as fast as a choice of digits.
_EXPONENTS = re.compile(rb"e(?<=[0-9]e)"), re.compile(rb"E(?<=[0-9]E)")
_POWERS = [float(f"1e{n}") for n in range(309)]  # those up to 22 are exact
_SIGNIFICAND = (1 << 53) - 1
_MOST = {b"-": 1 << 63, b"": (1 << 64) - 1}


def has_long(data: bytes) -> bool:
    """Whether there are `LONG` digits and points in a row (slashes count, too)."""
    codes = np.frombuffer(data, np.uint8)
    others = np.flatnonzero((codes < ord(".")) | (codes > ord("9")))
    return bool(np.diff(others, prepend=-1, append=codes.size).max() > LONG)


def has_rounded(data: bytes) -> bool:
    """Whether there may be numbers in a text that are not simply the nearest floats."""
    return any(each.search(data) for each in _EXPONENTS) or has_long(data)


def number(minus: bytes, whole: bytes, fraction: bytes, exponent: bytes) -> int | float:
    """The number with the groups of a match of `NUMBER`: whole ones of up to 64 bits as such, all else as floats.

    RapidJSON rounds several times on the way to a float, so its result may be a last bit off the nearest one; the
    same steps are taken here, in the same order.

    Raises:
        OverflowError: the number is too big.
    """
    if fraction and not exponent and len(whole) + len(fraction) < 19:
        significand = int(whole + fraction)
        if significand // 10 <= _SIGNIFICAND:
            found = float(significand) / _POWERS[len(fraction)]
            return -found if minus else found
    elif not fraction and not exponent and len(whole) < 19:
        return int(minus + whole)
    return _number(minus, whole, fraction, exponent)


def _number(minus: bytes, whole: bytes, fraction: bytes, exponent: bytes) -> int | float:
    most = _MOST[minus]
    fits = len(whole) <= 20 and int(whole) <= most
    if fits and not fraction and not exponent:
        return int(minus + whole)
    kept = len(whole) if fits else next(n for n in (20, 19, 18) if int(whole[:n]) <= most)
    significand, digits = int(whole[:kept]), 0 if whole == b"0" else kept - 1
    found = float(significand)
    for digit in whole[kept:]:
        if found >= 1.7976931348623157e307:
            raise OverflowError
        found = found * 10 + (digit - 48)
    scale = 0
    if fits and fraction:
        if not significand:
            scale = len(fraction.lstrip(b"0")) - len(fraction)
        while -scale < len(fraction) and significand <= _SIGNIFICAND:
            significand = significand * 10 + (fraction[-scale] - 48)
            scale -= 1
            digits += 1
        found = float(significand)
    for digit in fraction[-scale:]:
        if digits >= 17:
            break
        found = found * 10 + (digit - 48)
        scale -= 1
        digits += 1
    power = _exponent(exponent)
    if power > 308 - scale:
        raise OverflowError
    found = _times_power(found, power + scale)
    return -found if minus else found


def _exponent(text: bytes) -> int:
    size = int(text.lstrip(b"+-0")[:10] or b"0")
    return -size if text[:1] == b"-" else size


def _times_power(value: float, power: int) -> float:
    if power >= 0:
        return value * _POWERS[power]
    if power < -308:
        value, power = value / 1e308, power + 308
    return value / _POWERS[-power] if power >= -308 else 0.0


def shortest(value: float) -> bytes:
    """The shortest text that reads back as `value` (finite), laid out as RapidJSON's writer does: b"1.0", b"1e39"."""
    text, sign = repr(abs(value)), "-" if str(value)[0] == "-" else ""
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) + int(exponent or 0) - len(fraction)  # 0.1 ≤ value / 10^point < 1
    digits = digits.rstrip("0")
    if not digits:
        shown = "0.0"
    elif len(digits) <= point <= 21:
        shown = digits + "0" * (point - len(digits)) + ".0"
    elif 0 < point <= 21:
        shown = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        shown = "0." + "0" * -point + digits
    else:
        shown = digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1}"
    return (sign + shown).encode()
