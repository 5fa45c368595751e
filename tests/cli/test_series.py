"""Tests of reading the series of `gallery forecast`, for models that were trained on a user's own series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import files
from keras_gallery.cli.main import main
from keras_gallery.cli.series import read
from keras_gallery.cli.times import following
from keras_gallery.models.errors import GalleryError
from keras_gallery.preparation.description import Series, SeriesColumn
from keras_gallery.preparation.notes import write_note
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

from .fake_client import FLOAT, FakeClient

SERIES = Series((SeriesColumn("co2"), SeriesColumn("temperature")), "date")
FILES = {
    "with a date": "date,co2,note,temperature\n1958-03-29,1,x,2\n1958-04-05,3,y,4\n",
    "newest first": "temperature,date,co2\n4,1958-04,3\n2,1958-03,1\n",
    "years": "date;temperature;co2\n10;4;3\n9;2;1\n",
    "tabs": "co2\ttemperature\tdate\n1\t2\t3 March\n3\t4\t1 April\n",
    "without a time": "temperature,co2\n2,1\n4,3\n",
}


@pytest.mark.parametrize("case", FILES)
def test_the_columns_of_the_series(case: str, tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text(FILES[case])
    np.testing.assert_array_equal(read(file, SERIES).values, [[1, 2], [3, 4]])


def test_files_without_the_columns_of_the_series(tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text("a,b\n2,1\n4,3\n")
    np.testing.assert_array_equal(read(file, SERIES).values, [[2, 1], [4, 3]])
    file.write_text("2,1\n4,3\n")
    np.testing.assert_array_equal(read(file, SERIES).values, [[2, 1], [4, 3]])
    assert read(file, SERIES).last == ""


@pytest.mark.parametrize("case", ["newest first", "array"])
def test_only_as_many_steps_as_in_training(case: str, tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text(FILES["newest first"])
    if case == "array":
        np.save(file := tmp_path / "x.npy", [[1, 2], [3, 4]])
    np.testing.assert_array_equal(read(file, replace(SERIES, history=1)).values, [[3, 4]])
    np.testing.assert_array_equal(read(file, replace(SERIES, history=5)).values, [[1, 2], [3, 4]])


def test_the_last_time(tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text(FILES["newest first"])
    assert read(file, SERIES).last == "1958-04"
    assert read(file, replace(SERIES, time=None)).last == ""


@pytest.mark.parametrize(
    ("last", "step", "times"),
    [
        ("2001-11", "month", ["2001-12", "2002-01"]),
        ("2001-11-30", "month", ["2001-12", "2002-01"]),
        ("2001-10", "quarter", ["2002-01", "2002-04"]),
        ("2001-11", "2 months", ["2002-01", "2002-03"]),
        ("1999-12-31", "year", ["2000", "2001"]),
        ("1999", "year", ["2000", "2001"]),
        ("2000-02-22", "week", ["2000-02-29", "2000-03-07"]),
        ("2000-02-28", "day", ["2000-02-29", "2000-03-01"]),
        ("20000228", "day", ["2000-02-29", "2000-03-01"]),
        ("2000-02-28", "3 days", ["2000-03-02", "2000-03-05"]),
        ("2000-12-31 22:30", "hour", ["2000-12-31T23:30:00", "2001-01-01T00:30:00"]),
        ("2000-12-31T00:00:00+01:00", "15 minutes", ["2000-12-31T00:15:00+01:00", "2000-12-31T00:30:00+01:00"]),
        ("0.5", "0.25", ["0.75", "1"]),
        # The times are not known.
        ("", "month", ["1", "2"]),
        ("2001-11", None, ["1", "2"]),
        ("Nov 2001", "month", ["1", "2"]),
        ("inf", "1", ["1", "2"]),
        ("9999-12-31", "day", ["1", "2"]),
        ("2001-11", "1e400 days", ["1", "2"]),
        ("2001-11", "moon", ["1", "2"]),
    ],
)
def test_times_after_the_end(last: str, step: str | None, times: list[str]) -> None:
    assert following(last, step, 2) == times


@pytest.mark.parametrize(
    ("step", "frequency"), [("month", "MS"), ("quarter", "QS"), ("7 days", "7D"), ("90 minutes", "90min")]
)
@pytest.mark.models
def test_times_as_in_pandas(step: str, frequency: str) -> None:
    import pandas as pd

    expected = pd.date_range("2000-01-01", periods=41, freq=frequency)[1:]
    found = following("2000-01-01", step, 40)
    assert [pd.Timestamp(each) for each in found] == list(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,co2,temperature\n1958-03,1,\n", "x.csv, line 2: Expected numbers. Received: ''"),
        ("date,co2,temperature\n1958-03,1\n", "x.csv, line 2: Expected more columns. Received: 2."),
    ],
)
def test_errors(text: str, message: str, tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text(text)
    with pytest.raises(GalleryError) as error:
        read(file, SERIES)
    assert message in str(error.value)


def test_forecast_prints_the_times_of_the_next_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Series((SeriesColumn("co2"),), "month", "month", history=2)
    spec = TensorSpec.named("history", FLOAT, (-1, -1, 1), write_note(known))
    definition = SignatureDef("forecast", "", {"history": spec}, {})

    class Client(FakeClient):
        def forecast(self, name: str, history: Any) -> Any:
            assert history.tolist() == [[[2], [3]]], "only the last steps are sent"
            return history * 10

    client = Client([definition], lambda name, inputs: {"forecast": inputs})
    monkeypatch.setattr(files, "connect", lambda values: client)
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("month,co2\n2001-11,3\n2001-09,1\n2001-10,2\n")
    assert main(["forecast", "m", "x.csv"]) == 0
    assert capsys.readouterr().out == "x.csv\t2001-12\t20\nx.csv\t2002-01\t30\n"
    Path("x.csv").write_text("co2\n1\n2\n3\n")
    assert main(["forecast", "m", "x.csv"]) == 0
    assert capsys.readouterr().out == "x.csv\t1\t20\nx.csv\t2\t30\n"
    assert main(["forecast", "m", "x.csv", "--output", "x.npz"]) == 0
    with np.load("x.npz") as table:
        assert table["forecast"].tolist() == [[[2], [3]]]
