"""`Source`: a user's own data, and the options that say how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
