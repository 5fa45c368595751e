"""Tests of reading the series of `gallery forecast`, for models that were trained on a user's own series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras_gallery.cli.series import read
from keras_gallery.models.errors import GalleryError
from keras_gallery.preparation.description import Series, SeriesColumn

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
    np.testing.assert_array_equal(read(file, lambda: SERIES), [[1, 2], [3, 4]])


def test_files_without_the_columns_of_the_series(tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text("a,b\n2,1\n4,3\n")
    np.testing.assert_array_equal(read(file, lambda: SERIES), [[2, 1], [4, 3]])
    file.write_text("2,1\n4,3\n")
    np.testing.assert_array_equal(read(file, lambda: pytest.fail("asked")), [[2, 1], [4, 3]])


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
        read(file, lambda: SERIES)
    assert message in str(error.value)
