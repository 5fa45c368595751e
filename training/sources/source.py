"""`Source`: a user's own data, and the options that say how to read it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import BadData
from .pictures_folder import shown

SEVERAL = ("target", "ignore", "value")  # options with several names
SPLITS = ("random", "stratified", "time")


@dataclass(frozen=True)
class Source:
    """A user's own data, and the options that say how to read it.

    Attributes:
        data: the path of a file or folder, or data in memory: NumPy arrays `x`, `(x, y)` or a dict of arrays, a pandas
            DataFrame, a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        test: the test examples, in the same form as `data`. By default, a part of `data` is held out.
        test_share: share of the examples that are held out, if `test` is None. Above 0 and below 1.
        group: name of a column. All examples with the same value in this column are in the same part. For folders of
            pictures: `folder`.
        split: how test examples are chosen: `random`, `stratified` (the same share of each class) or `time` (the last
            examples). By default, `stratified` for classes, `time` for series, and `random` for other data.
        target: tables: names of the columns to predict.
        ignore: tables: names of columns that are left out.
        text: texts: name of the column with the texts.
        label: texts: name of the column with the classes, or with the texts to write.
        time: series: name of the column with the times.
        value: series: names of the columns with the values. By default, all columns of numbers.
        horizon: series: number of steps to forecast.
        history: series: number of steps that the model receives.
        size: pictures: height and width in pixels.
        channels: pictures: 1 for grey, 3 for colour.
        fit: pictures: `crop` or `pad`.
        missing: tables: name of the category that stands for missing values. By default, missing values are refused.
        strict: pictures: whether a broken picture is an error. By default, it is skipped, counted and named.
    """

    data: Any
    test: Any = None
    test_share: float = 0.2
    group: str | None = None
    split: str | None = None
    target: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    text: str | None = None
    label: str | None = None
    time: str | None = None
    value: tuple[str, ...] = ()
    horizon: int | None = None
    history: int | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    fit: str | None = None
    missing: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.test_share, int | float) and 0 < self.test_share < 1):
            raise BadData(f"Expected test_share to be a number above 0 and below 1. Received: {self.test_share!r}.")
        if self.split not in (None, *SPLITS):
            raise BadData(f"Expected split to be one of {', '.join(SPLITS)}. Received: {self.split!r}.")
        for name in ("horizon", "history"):
            steps = getattr(self, name)
            if steps is not None and not (isinstance(steps, int) and steps >= 1):
                raise BadData(f"Expected {name} to be an integer of at least 1. Received: {steps!r}.")

    @property
    def path(self) -> Path | None:
        """The path of the data, or None for data in memory."""
        return Path(self.data) if isinstance(self.data, str | Path) else None

    @property
    def title(self) -> str:
        """A short name of the data, for titles and messages: `wine` for `wine.csv`."""
        if self.path is None:
            return "own data"
        name = shown(os.fsencode(real(self.path).name))
        return (
            name if os.path.isdir(self.path) else re.sub(r"(\.[a-z]{2,7}){1,2}$", "", name, flags=re.IGNORECASE) or name
        )

    def given(self) -> list[str]:
        """Returns the names of the options that differ from the defaults."""
        return [
            each.name
            for each in fields(self)
            if each.name != "data" and not _equal(getattr(self, each.name), each.default)
        ]

    def paths(self) -> dict[str, str]:
        """Returns the absolute paths of the data and of the test data, without data in memory."""
        given = {"data": self.data, "test": self.test}
        return {name: str(real(value)) for name, value in given.items() if isinstance(value, str | Path)}

    def record(self) -> dict[str, Any]:
        """Returns the options that differ from the defaults, for JSON. Data in memory are named by their class."""
        given = {name: getattr(self, name) for name in ("data", *self.given())}
        for name in {"data", "test"} & given.keys():
            value = given[name]
            given[name] = real(value).name if isinstance(value, str | Path) else type(value).__name__
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def real(path: str | Path) -> Path:
    """Returns the absolute path without symbolic links. Unlike `Path.resolve`, no path is an error."""
    return Path(os.path.realpath(path))


OPTIONS = tuple(each.name for each in fields(Source) if each.name != "data")


def _equal(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, type(default)) and bool(value == default))


def source_of(data: Any, options: Mapping[str, Any]) -> Source:
    """Returns a `Source`. Options with several names, such as `target`, may also be a single name."""
    several = {name: (options[name],) for name in SEVERAL if isinstance(options.get(name), str)}
    several |= {name: tuple(options[name]) for name in SEVERAL if isinstance(options.get(name), list)}
    return Source(data, **{**options, **several})
