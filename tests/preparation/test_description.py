"""Tests of the descriptions in `preparation.json`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from keras_gallery.preparation.description import CategoryColumn, NumberColumn, Pictures, Series, Table, read, to_json
from keras_gallery.preparation.fields import BadPreparation

PICTURES: dict[str, Any] = {
    **{"kind": "pictures", "height": 64, "width": 48, "channels": 3, "fit": "crop", "pixels": "0..1"},
    "threshold": {"value": 0.02, "false_alarm_rate": 0.01, "measured_rate": 0.012, "examples": 500},
}
ALCOHOL = {"name": "alcohol", "type": "number", "mean": 13.0, "deviation": 0.8, "least": 11.0, "most": 14.8}
COLOUR = {"name": "colour", "type": "category", "names": ["red", "white"]}
TABLE: dict[str, Any] = {"kind": "table", "columns": [ALCOHOL, COLOUR], "encoding": "one_hot", "target": ["class"]}
SERIES: dict[str, Any] = {
    **{"kind": "series", "columns": [{"name": "co2", "least": 313.0, "most": 371.5}], "time": "date", "step": "month"},
    **{"first": "1958-03", "last": "2001-12", "history": 24, "horizon": 12},
}


ARRAYS: dict[str, Any] = {"kind": "arrays", "threshold": PICTURES["threshold"]}


@pytest.mark.parametrize("content", [PICTURES, TABLE, SERIES, {"kind": "texts"}, ARRAYS], ids=lambda each: each["kind"])
def test_json_is_read_and_written_again(content: dict[str, Any]) -> None:
    assert to_json(read(json.loads(json.dumps(content)))) == content


def test_values() -> None:
    pictures = read(PICTURES)
    assert isinstance(pictures, Pictures) and (pictures.height, pictures.width, pictures.fit) == (64, 48, "crop")
    assert pictures.threshold is not None and pictures.threshold.measured_rate == 0.012
    table = read({**TABLE, "columns": [ALCOHOL, {**COLOUR, "missing": None}]})
    assert isinstance(table, Table) and table.width == 3
    assert table.columns[0] == NumberColumn("alcohol", 13.0, 0.8, 11.0, 14.8)
    assert table.columns[1] == CategoryColumn("colour", ("red", "white"))
    others = {**TABLE, "columns": [{**ALCOHOL, "least": 0.0}, {**COLOUR, "takes_others": True}]}
    assert to_json(read(others)) == others
    series = read({**SERIES, "time": None})
    assert isinstance(series, Series) and series.time is None and series.columns[0].most == 371.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "a JSON object for the preparation. Received: None"),
        ({"kind": "sounds"}, "or texts or arrays for kind of the preparation. Received: 'sounds'"),
        ({**PICTURES, "height": 0}, "a whole number from 1 to 16384 for height"),
        ({**PICTURES, "height": 1.5}, "a whole number"),
        ({**PICTURES, "width": True}, "a whole number"),
        ({**PICTURES, "width": float("nan")}, "a whole number"),
        ({**PICTURES, "height": 10**400}, "a whole number"),
        ({**PICTURES, "channels": 4}, "1 or 3 for channels"),
        ({**PICTURES, "channels": 3.0}, "1 or 3 for channels"),
        ({**PICTURES, "fit": ["crop"]}, "crop or pad"),
        ({**PICTURES, "pixels": "0..2"}, "0..255 or 0..1 or -1..1"),
        ({**PICTURES, "size": 3}, "Unknown fields of the preparation: ['size']"),
        (
            {**PICTURES, "threshold": {"value": 1, "false_alarm_rate": 2}},
            "a number from 0 to 1 for false_alarm_rate",
        ),
        ({**PICTURES, "threshold": {"value": -(10**400), "false_alarm_rate": 0}}, "a number for value of threshold"),
        ({**PICTURES, "threshold": {"value": "1", "false_alarm_rate": 0}}, "a number for value of threshold"),
        ({**TABLE, "columns": []}, "a list for columns"),
        ({**TABLE, "columns": [ALCOHOL, ALCOHOL]}, "different names in columns"),
        ({**TABLE, "columns": [{**COLOUR, "names": ["a", "a"]}]}, "different names of categories in the column colour"),
        ({**TABLE, "columns": [{**COLOUR, "missing": 0}]}, "a text for missing of each of columns"),
        ({**TABLE, "encoding": "ids"}, "only columns of categories"),
        ({**TABLE, "target": "class"}, "a list of texts for target"),
        ({**SERIES, "horizon": 0}, "a whole number of at least 1 for horizon"),
        ({**SERIES, "columns": [{"name": 3}]}, "a text for name of each of columns"),
    ],
)
def test_errors(content: Any, message: str) -> None:
    with pytest.raises(BadPreparation) as error:
        read(content)
    assert message in str(error.value)
