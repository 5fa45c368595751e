"""Finds the times of the steps after the end of a series."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

MONTHS = {"month": 1, "quarter": 3, "year": 12}
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


def following(last: str, step: str | None, count: int) -> list[str]:
    """Returns the times of the next steps, or the numbers 1 to `count` if the times are not known.

    Args:
        last: the time of the last known step: a date of ISO 8601 such as 1958-03-29 or 1958-03, or a number.
        step: the step between two times, as in `Series.step`: `month`, `3 days` or a number such as `0.5`.
        count: the number of next steps.

    Returns:
        Months such as 1958-04, years such as 1959, days such as 1958-03-30, times such as 1958-03-29T01:00:00, or
        numbers.
    """
    try:
        return [_later(last, *_parts(step or ""), number) for number in range(1, count + 1)]
    except (ValueError, OverflowError):
        return [str(number) for number in range(1, count + 1)]


def _parts(step: str) -> tuple[float, str]:
    """Returns the number and the unit of a step: (3, "day") for `3 days`, (0.5, "") for `0.5`."""
    first, _, rest = step.partition(" ")
    if first[:1].isalpha():
        return 1, first
    return float(first), rest.removesuffix("s")


def _later(last: str, size: float, unit: str, number: int) -> str:
    """Returns the time `number` steps after `last`. Raises ValueError if it is not known."""
    if unit == "" or (unit == "year" and len(last) <= 4):
        time = float(last) + size * number
        if not math.isfinite(time):
            raise ValueError(last)
        return f"{time:.10g}"
    date = datetime.fromisoformat(f"{last}-01" if len(last) == len("1958-03") else last)
    if unit in MONTHS:
        months = 12 * date.year + date.month - 1 + round(size * number) * MONTHS[unit]
        year, month = divmod(months, 12)
        return f"{year:04}" if unit == "year" else f"{year:04}-{month + 1:02}"
    if unit not in SECONDS:
        raise ValueError(unit)
    date += timedelta(seconds=size * number * SECONDS[unit])
    is_day = unit in ("week", "day") and (date.hour, date.minute, date.second) == (0, 0, 0)
    return date.date().isoformat() if is_day else date.isoformat(timespec="seconds")
