"""What was found out of Keras's layers: `measured.json` and `known.json`, and which of it concerns a layer.

A row is `{"layer": ..., "when": {option: value}, "no": {target: reason}}`. Its layer is a class of Keras, or "*" for
any. Its options say when it applies; a value is plain, and compared, or ">0", ">1", "not 1", "set" or "list".
`measured.json` is written by `measure.py`; `known.json` says what can't be measured, and where it stands.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from .layers import Layer

ACTIVATIONS = ("activation", "recurrent_activation")  # options that stand for a layer of class Activation
Row = Mapping[str, Any]


@functools.cache
def rows() -> dict[str, list[Row]]:
    """All rows by their layer."""
    found: dict[str, list[Row]] = {}
    for name in ("measured.json", "known.json"):
        for row in read(name)["rows"]:
            found.setdefault(row["layer"], []).append(row)
    return found


@functools.cache
def versions() -> dict[str, str]:
    """With which versions `measured.json` was made, and which source tells of DL4J."""
    return dict(read("measured.json")["versions"]) | dict(read("known.json")["sources"])


def read(name: str) -> dict[str, Any]:
    """A data file of this folder."""
    return dict(json.loads(resources.files(__package__).joinpath(name).read_text("utf-8")))


def concerning(layer: Layer) -> Iterator[Row]:
    """The rows that apply to a layer, to its options, and to the functions that it calls by name."""
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
    """Whether there is a row for its class."""
    return layer.kind in rows()


def matches(when: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether a layer's options are those of a row."""
    return all(key in options and _is(options[key], wanted) for key, wanted in when.items())


def _is(value: Any, wanted: Any) -> bool:
    if wanted == "set":
        return value not in (None, False)
    if wanted == "not 1":
        return bool(value != 1)
    if wanted == "list":
        return isinstance(value, list)
    if wanted in (">0", ">1"):
        numbers = value if isinstance(value, list) else [value]
        return any(isinstance(each, int | float) and each > int(wanted[1:]) for each in numbers)
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def wanted(option: str, value: Any) -> Any:
    """What a row says of an option that has this value."""
    if option in ("dilation_rate", "groups"):
        return ">1"
    if option == "alpha":
        return "not 1"
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, float):
        return "set" if option == "max_value" else ">0"
    return "list" if isinstance(value, list) and option == "axis" else value if option == "axis" else "set"
