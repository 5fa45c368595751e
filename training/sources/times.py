"""Reads a column of times: its values, the step from one time to the next, and the seasonal period of this step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .table import Table, shown

SEASONS = {"month": 12, "quarter": 4, "week": 52, "day": 7, "hour": 24, "minute": 60}
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
MONTHS = {1: "month", 3: "quarter", 12: "year"}
FORMATS = {"year": "%Y", "quarter": "%Y-%m", "month": "%Y-%m", "week": "%Y-%m-%d", "day": "%Y-%m-%d"}


class Times(NamedTuple):
    """The times of a series.

    Attributes:
        step: the step between two times: `month`, `day` and so on, `3 days`, or a number such as `0.5`.
        names: the first and the last time, such as `1958-03`.
        season: the seasonal period in steps, or 1 if the step does not suggest one.
        values: the times, datetime64 or float64 `(steps,)`.
    """

    step: str
    names: tuple[str, str]
    season: int
    values: NDArray[Any]


def times_of(table: Table, name: str) -> NDArray[Any]:
    """Returns a column of times: datetime64 for dates, float64 for numbers such as years.

    Raises:
        BadData: a value is missing, or is not a date or a number.
    """
    import pandas as pd

    table.check_column(name, "--time")
    kind = table.kind(name)
    if kind == "number":
        numbers = table.numbers(name)
        if ((numbers > 19_000_000) & (numbers < 21_000_000) & (numbers % 1 == 0)).all():  # 20010131
            return _dates(table, name, pd.Series([str(int(each)) for each in numbers]), "%Y%m%d")
        return numbers
    column = table.frame[name]
    if isinstance(column.dtype, pd.PeriodDtype):
        return np.asarray(column.dt.to_timestamp().to_numpy())
    if pd.api.types.is_datetime64_any_dtype(column):
        table.texts(name, None, "Each step needs a time.")
        return np.asarray(pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy())
    return _dates(table, name, pd.Series(table.texts(name, None, "Each step needs a time.")), None)


def _dates(table: Table, name: str, texts: Any, layout: str | None) -> NDArray[Any]:
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about formats that pandas infers
        for day_first in (False, True):
            dates = pd.to_datetime(texts, errors="coerce", format=layout, dayfirst=day_first, utc=True)
            if not dates.isna().any():
                return np.asarray(dates.dt.tz_localize(None).to_numpy())
    row = int(np.flatnonzero(dates.isna().to_numpy())[0])
    raise BadData(
        f"The column {name} of {table.name} has {shown(texts.iloc[row])} in {table.place(row)}, "
        "which is not a date in the format of the other dates. Use the format 2001-12-31."
    )


def regular(times: NDArray[Any], table: Table, name: str) -> Times:
    """Returns the step of ascending times.

    Raises:
        BadData: a time occurs twice, or a step is missing.
    """
    differences = np.diff(times)
    if not (differences > differences.dtype.type(0)).all():
        row = int(np.flatnonzero(~(differences > differences.dtype.type(0)))[0]) + 1
        raise BadData(
            f"The column {name} of {table.name} has the time {_name(times[row])} twice ({table.place(row)}). "
            "If the file has several series, give each series a column of its own."
        )
    if times.dtype.kind != "M":
        _check_equal(differences, times, table, name)
        size = float(differences[0])
        is_year = size == 1 and times[0] >= 1000 and times[-1] <= 3000 and (times % 1 == 0).all()
        return Times("year" if is_year else f"{size:g}", (f"{times[0]:.10g}", f"{times[-1]:.10g}"), 1, times)
    months = times.astype("datetime64[M]").astype(np.int64)
    days = (times.astype("datetime64[D]") - times.astype("datetime64[M]")).astype(np.int64)
    at_end = ((times.astype("datetime64[D]") + 1).astype("datetime64[M]").astype(np.int64) > months).all()
    by_month = np.diff(months)
    if (at_end or (days == days[0]).all()) and len(by_month) and (by_month > 0).all():
        _check_equal(by_month, times, table, name)
        count = int(by_month[0])
        step = MONTHS.get(count, f"{count} months")
    else:
        seconds = differences / np.timedelta64(1, "s")
        _check_equal(seconds, times, table, name)
        unit = next((unit for unit, length in SECONDS.items() if seconds[0] % length == 0), "second")
        count = seconds[0] / SECONDS[unit]
        step = unit if count == 1 else f"{count:g} {unit}s"
    layout = FORMATS.get(step, "%Y-%m-%dT%H:%M:%S")
    first, last = (each.astype("datetime64[s]").item().strftime(layout) for each in (times[0], times[-1]))
    return Times(step, (first, last), SEASONS.get(step, 1), times)


def _check_equal(differences: NDArray[Any], times: NDArray[Any], table: Table, name: str) -> None:
    """Raises BadData if the differences of the times are not equal."""
    values, counts = np.unique(np.round(differences.astype(np.float64), 6), return_counts=True)
    usual = values[counts.argmax()]
    wrong = np.flatnonzero(~np.isclose(differences.astype(np.float64), usual, rtol=1e-6, atol=0))
    if len(wrong):
        row = int(wrong[0]) + 1
        raise BadData(
            f"The times in the column {name} of {table.name} are not regular: {_name(times[row])} follows "
            f"{_name(times[row - 1])} ({table.place(row)}). Fill in the missing steps."
        )


def _name(time: Any) -> str:
    return (
        f"{time:.10g}"
        if isinstance(time, float | np.floating)
        else str(time.astype("datetime64[s]")).removesuffix("T00:00:00")
    )


def season_of(values: NDArray[np.float64]) -> int:
    """Returns the seasonal period of a series in steps: the first clear peak of its autocorrelation; 1 without a peak.

    A peak is clear if the autocorrelation at this lag is above 0.3. The linear trend is removed first.
    """
    count = len(values)
    if count < 12 or values.min() == values.max():
        return 1
    steps = np.arange(count)
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    if not rest.any():
        return 1
    spectrum = np.fft.rfft(rest, 2 * count)
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: count // 3]
    correlation /= correlation[0]
    peaks = [
        lag
        for lag in range(2, len(correlation) - 1)
        if correlation[lag] > 0.3 and correlation[lag - 1] < correlation[lag] >= correlation[lag + 1]
    ]
    return max(peaks, key=lambda lag: correlation[lag]) if peaks else 1
