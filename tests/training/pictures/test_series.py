"""Tests of the picture of forecasts: the axis has the times of the series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.training.pictures import series
from matplotlib.dates import num2date

HISTORIES = np.arange(8.0).reshape(2, 4)
CURVES = {"actual": np.ones((2, 3)), "this model": np.zeros((2, 3))}


def drawn(monkeypatch: pytest.MonkeyPatch, *times: Any) -> Any:
    """Returns the last chart of the picture."""
    figures: list[Any] = []
    monkeypatch.setattr(series, "save", lambda figure, path: figures.append(figure))
    series.forecasts(Path("x.png"), "title", HISTORIES, CURVES, [4, 5], "ppm", *times)
    return figures[0].axes[-1]


def test_months(monkeypatch: pytest.MonkeyPatch) -> None:
    months = np.arange("2000-01", "2000-09", dtype="datetime64[M]").astype("datetime64[ns]")
    axis = drawn(monkeypatch, months, "month")
    assert axis.get_xlabel() == "month"
    history, actual, _ = axis.lines
    np.testing.assert_array_equal(history.get_xdata(), months[1:5])
    np.testing.assert_array_equal(actual.get_xdata(), months[4:8])
    assert num2date(axis.get_xlim()[0]).year == 2000
    assert [label.get_text()[:4] for label in axis.get_xticklabels()][0] == "2000"


def test_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    axis = drawn(monkeypatch, np.arange(1990.0, 1998.0), "year")
    assert axis.get_xlabel() == "year" and axis.lines[1].get_xdata().tolist() == [1994, 1995, 1996, 1997]


def test_steps_without_times(monkeypatch: pytest.MonkeyPatch) -> None:
    axis = drawn(monkeypatch)
    assert axis.get_xlabel() == "step" and axis.lines[1].get_xdata().tolist() == [4, 5, 6, 7]


def test_the_file(tmp_path: Path) -> None:
    days = np.arange("2000-01-01", "2000-01-09", dtype="datetime64[D]")
    series.forecasts(tmp_path / "x.png", "title", HISTORIES, CURVES, [4, 5], "ppm", days, "day $x_{$")
    assert (tmp_path / "x.png").stat().st_size > 5_000
