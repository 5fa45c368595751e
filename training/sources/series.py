"""Reads time series: windows for a forecaster, or histories and their next values for a regression network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import VALIDATION_SHARE, Dataset
from ..data.series import Series, train_test_windows
from ..errors import BadData
from .columns import MOST_INPUTS
from .files import read_arrays, table_of
from .needs import kind_of
from .source import Source
from .table import Table, listed
from .tables import open_table
from .times import Times, regular, season_of, times_of

HORIZON = 10  # steps, if the series has no season
HISTORIES = 3  # length of a history in seasons or horizons
FORECASTER_VALIDATION = 0.2  # share of the training windows that the task `forecast` holds out
# Fitting ARIMA and exponential smoothing to more steps, or to longer seasons, would take minutes.
MOST_BASELINE_STEPS = 2_000
MOST_ARIMA_SEASON, MOST_ETS_SEASON = 12, 24
MOST_AR_ORDER = 15


class Steps(NamedTuple):
    """The steps of a series in the order of time.

    Attributes:
        names: names of the columns.
        values: float64 `(steps, features)`.
        times: the times of the steps, or None without a column of times.
        first_test: the first step of the test data, or the number of steps without test data.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    times: Times | None
    first_test: int


def read_series(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads a time series as a dataset of windows. The test period is the last part of the series.

    For the task `forecast`, the dataset is a `Series`. For `regress`, the inputs are histories `(n, history, features)`
    and the targets are all values of the next steps `(n, horizon · features)`.

    Raises:
        BadData: the series cannot be read, is not regular, or is too short.
    """
    if source.split not in (None, "time"):
        raise BadData(f"The test examples of a series are its last steps. Received: split={source.split}.")
    names, values, times, test_start = steps_of(source)
    if source.test is None:
        test_start = len(values) - max(1, round(source.test_share * len(values)))
    of_step = times.season if times and 2 * times.season <= test_start else 1
    season = of_step if of_step > 1 else season_of(values[:test_start, 0])
    is_forecast = task == "forecast"
    longest = max(1, (len(values) - test_start) // 2)
    horizon = source.horizon or (min(season if season > 1 else HORIZON, longest) if is_forecast else 1)
    history = source.history or max(2, min(HISTORIES * max(season, horizon), test_start // 4))
    _check_length(source, len(values), test_start, history, horizon)
    _check_values(source, names, values, test_start, history + horizon)
    parts = train_test_windows(values.astype(np.float32), test_start, history, horizon)
    common: dict[str, Any] = {
        "name": source.title,
        "source": source.title,
        "preparation": {
            "kind": "series",
            "columns": [
                {"name": name, "least": float(column.min()), "most": float(column.max())}
                for name, column in zip(names, values[:test_start].T, strict=True)
            ],
            "time": source.time,
            "step": times.step if times else None,
            "first": times.names[0] if times else None,
            "last": times.names[1] if times else None,
            "history": history,
            "horizon": horizon,
        },
    }
    if not is_forecast:
        return Dataset(**common, **_next_values(parts), labels=_labels(names, horizon))
    return Series(
        **common,
        **parts,
        labels=names,
        test_start=test_start,
        season=season,
        times=times.values if times else None,
        **_baselines(values[:test_start], of_step, season),
    )


def _open(data: Any, source: Source) -> Table:
    """Returns a file or data in memory as a table. Arrays `(steps,)` or `(steps, features)` get names for columns."""
    if isinstance(data, dict):
        import pandas as pd

        return table_of(pd.DataFrame(data), "the dict")
    kind = kind_of(data)
    if kind == "table":
        return open_table(data, source)
    name = Path(data).name if kind == "arrays" else "the array"
    arrays = list(read_arrays(Path(data)).values()) if kind == "arrays" else [data]
    array = np.asarray(arrays[0])
    if len(arrays) > 1 or array.ndim not in (1, 2) or array.dtype.kind not in "iufb":
        raise BadData(f"A series is one array of numbers (steps,) or (steps, features). Received: {name}.")
    import pandas as pd

    array = array.reshape(len(array), -1)
    names = ["value"] if array.shape[1] == 1 else [f"value_{number + 1}" for number in range(array.shape[1])]
    return table_of(pd.DataFrame(array, columns=names), name)


def steps_of(source: Source) -> Steps:
    """Returns all steps of the data and of the test data, which must follow the data."""
    tables = [_open(data, source) for data in (source.data, source.test) if data is not None]
    names = source.value or _number_columns(tables[0], source)
    orders = [np.arange(len(table)) for table in tables]
    times = None
    if source.time is not None:
        unsorted = [times_of(table, source.time) for table in tables]
        orders = [np.argsort(each, kind="stable") for each in unsorted]
        joined = np.concatenate([each[order] for each, order in zip(unsorted, orders, strict=True)])
        if len(tables) > 1 and joined[len(orders[0])] <= joined[len(orders[0]) - 1]:
            raise BadData(f"The times of {tables[1].name} must follow the times of {tables[0].name}.")
        if len(joined) < 2:
            raise BadData(f"{tables[0].name} has a single step.")

        def place(row: int) -> str:
            number = int(row >= len(orders[0]))
            return tables[number].place(int(orders[number][row - number * len(orders[0])]))

        times = regular(joined, Table(tables[0].frame, tables[0].name, place), source.time)
    parts = []
    remedy = "Fill in a number, such as the mean of the values before and after it"
    remedy += ", or leave out the column: name the other columns with --value." if len(names) > 1 else "."
    for table, order in zip(tables, orders, strict=True):
        for name in names:
            table.check_column(name, "--value")
        parts.append(np.stack([table.numbers(name, remedy)[order] for name in names], axis=1))
    return Steps(names, np.concatenate(parts), times, len(parts[0]))


def _number_columns(table: Table, source: Source) -> tuple[str, ...]:
    """Returns the names of all columns of numbers, without the times."""
    left_out = {*source.ignore, source.time}
    names = tuple(name for name in table.columns if name not in left_out)
    for name in names:
        kind = table.kind(name)
        if kind == "date":
            raise BadData(f"The column {name} of {table.name} has dates. Name it with --time {name}.")
        if kind != "number":
            raise BadData(f"The column {name} of {table.name} has no numbers. Name the columns of values with --value.")
    if not names:
        raise BadData(f"{table.name} has no column of values: {listed(table.columns)}.")
    return names


def _check_length(source: Source, count: int, test_start: int, history: int, horizon: int) -> None:
    """Raises BadData if there are too few steps for a training, a validation and a test window."""
    lengths = f"history={history} and horizon={horizon}"
    if count - test_start < horizon:
        raise BadData(
            f"The test period of {source.title} has {count - test_start} steps, fewer than the horizon of {horizon}. "
            "Use a smaller horizon, or a larger test_share."
        )
    windows = test_start - history - horizon + 1
    held_out = round(FORECASTER_VALIDATION * windows)
    if held_out < 1 or windows - held_out - horizon + 1 < 1:
        raise BadData(
            f"The training period of {source.title} has {test_start} steps, too few for {lengths}. "
            "Use a smaller history or horizon, or more data."
        )


def _check_values(
    source: Source, names: tuple[str, ...], values: NDArray[np.float64], test_start: int, length: int
) -> None:
    """Raises BadData if a column is constant in the training period, or if the windows need too much memory."""
    if values.size * length > MOST_INPUTS:
        raise BadData(
            f"The windows of {source.title} would have {values.size * length:,} values, more than {MOST_INPUTS:,}. "
            "Use a smaller history."
        )
    for name, column in zip(names, values[:test_start].T, strict=True):
        if column.min() == column.max():
            raise BadData(
                f"All values of {name} in the training period of {source.title} are {column[0]:g}: "
                "there is nothing to learn. "
                + ("Name the other columns with --value." if len(names) > 1 else "Use other data.")
            )


def _next_values(parts: dict[str, Any]) -> dict[str, Any]:
    """Returns the arrays of a `Dataset` for a regression network, with the last training windows for validation.

    As in `hold_out_last`, horizon − 1 windows are left out, so that no step is a target in both parts.
    """
    x, y = parts["x_train"], parts["y_train"]
    held_out = max(1, round(VALIDATION_SHARE * len(x)))
    training = len(x) - held_out - y.shape[1] + 1
    kept = np.r_[:training, len(x) - held_out : len(x)]
    return {
        "x_train": x[kept],
        "y_train": y[kept].reshape(len(kept), -1),
        "x_test": parts["x_test"],
        "y_test": parts["y_test"].reshape(len(parts["y_test"]), -1),
        "validation": np.arange(training, training + held_out),
    }


def _labels(names: tuple[str, ...], horizon: int) -> tuple[str, ...]:
    """Returns the names of the predicted values, step by step."""
    if horizon == 1:
        return names
    return tuple(f"{name} in step {step}" for step in range(1, horizon + 1) for name in names)


def _baselines(values: NDArray[np.float64], of_step: int, season: int) -> dict[str, Any]:
    """Returns the settings of the baselines ARIMA and exponential smoothing. They are None if fitting is slow.

    If the step suggests a season of up to 12 steps (months, quarters, days), ARIMA is (0, 1, 1)(0, 1, 1)ₚ, the textbook
    choice. If the season is only seen in the values, as for sunspots, ARIMA is AR(p) with the p of the lowest AIC.
    Without a season, ARIMA is (2, 1, 1). Exponential smoothing has a trend, and a season of up to 24 steps.

    Args:
        values: the training period, `(steps, features)`. The first column determines p.
        of_step: season that the step suggests, or 1.
        season: season that is used, or 1.
    """
    if values.size > MOST_BASELINE_STEPS:
        return {"arima": None, "ets": None}
    arima: dict[str, Any] = {"order": (2, 1, 1)}
    if 1 < of_step <= MOST_ARIMA_SEASON:
        arima = {"order": (0, 1, 1), "seasonal_order": (0, 1, 1, of_step)}
    elif season > 1 and of_step == 1:
        arima = {"order": (_order(values[:, 0]), 0, 0)}
    ets: dict[str, Any] = {"trend": True}
    if 1 < season <= MOST_ETS_SEASON:
        ets["seasonal"] = season
    return {"arima": arima, "ets": ets}


def _order(values: NDArray[np.float64]) -> int:
    """Returns the order of the autoregression with the lowest AIC, from 1 to 15."""
    from statsmodels.tsa.ar_model import ar_select_order

    longest = max(1, min(MOST_AR_ORDER, len(values) // 4))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an autoregression can be exact
        return max(1, len(ar_select_order(values, longest, ic="aic").ar_lags or ()))
