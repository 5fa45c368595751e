"""Reads the tables `measured.json` and `known.json`, and finds the rows that apply to a layer.

A row is `{"layer": ..., "when": {option: value}, "ok": [target], "no": {target: reason}}`. The layer is a class of
Keras, or "*" for any class. The row applies if the layer has all options in "when". An option must have the value in
"when", or meet the condition in "when": ">0", ">1", "not 1", "set" or "list".

`tools/doctor/measure.py` writes `measured.json`. `known.json` has the rows and rules that cannot be measured.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from .layers import Layer

ACTIVATIONS = ("activation", "recurrent_activation")  # options that are looked up in the rows of the layer Activation
Row = Mapping[str, Any]


@functools.cache
def rows() -> dict[str, list[Row]]:
    """Returns the rows of both tables for each class of layer."""
    rows: dict[str, list[Row]] = {}
    for name in ("measured.json", "known.json"):
        for row in read(name)["rows"]:
            rows.setdefault(row["layer"], []).append(row)
    return rows


@functools.cache
def versions() -> dict[str, str]:
    """Returns the versions of the measured packages, and the source of the rules about DL4J."""
    return dict(read("measured.json")["versions"]) | dict(read("known.json")["sources"])


def read(name: str) -> dict[str, Any]:
    """Reads a data file of this folder."""
    return dict(json.loads(resources.files(__package__).joinpath(name).read_text("utf-8")))


def matching_rows(layer: Layer) -> Iterator[Row]:
    """Yields the rows that apply to a layer, its options and its activations."""
    known = rows()
    for row in (*known.get(layer.kind, ()), *known.get("*", ())):
        if matches(row["when"], layer.options):
            yield row
    if layer.kind != "Activation":
        for option in ACTIVATIONS:
            for row in known.get("Activation", ()):
                if row["when"] and row["when"].get("activation") == layer.options.get(option):
                    yield row


def is_known(layer: Layer) -> bool:
    """Whether there is a row for the layer's class."""
    return layer.kind in rows()


def matches(when: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether a layer's options meet the conditions of a row."""
    return all(key in options and _meets(options[key], condition) for key, condition in when.items())


def _meets(value: Any, condition: Any) -> bool:
    if condition == "set":
        return value not in (None, False)
    if condition == "not 1":
        return bool(value != 1)
    if condition == "list":
        return isinstance(value, list)
    if condition in (">0", ">1"):
        numbers = value if isinstance(value, list) else [value]
        return any(isinstance(each, int | float) and each > int(condition[1:]) for each in numbers)
    return bool(value == condition) and isinstance(value, bool) == isinstance(condition, bool)


def condition_for(option: str, value: Any) -> Any:
    """Returns the condition for a row that is measured with this value of an option."""
    if option in ("dilation_rate", "groups"):
        return ">1"
    if option == "alpha":
        return "not 1"
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, float):
        return "set" if option == "max_value" else ">0"
    return "list" if isinstance(value, list) and option == "axis" else value if option == "axis" else "set"
