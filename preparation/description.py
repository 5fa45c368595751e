"""Describes how examples become the inputs of a model, as the JSON in a run's `preparation.json`.

{"kind": "pictures", "height": 64, "width": 64, "channels": 3, "fit": "crop", "pixels": "0..1"}
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .fields import BadPreparation, Fields

PIXELS = ("0..255", "0..1", "-1..1")  # ranges of pixel values
FITS = ("crop", "pad")
ENCODINGS = ("one_hot", "ids")
CUT_NAMES = ("…",)
MAX_SIDE = 1 << 14  # of a model's images, in pixels


@dataclass(frozen=True)
class Threshold:
    """The score above which an example counts as an anomaly.

    Attributes:
        value: the threshold.
        false_alarm_rate: the rate of normal examples above the threshold that was asked for, in [0, 1].
        measured_rate: the rate of normal test examples that are above the threshold, in [0, 1].
        examples: the number of these test examples.
    """

    value: float
    false_alarm_rate: float
    measured_rate: float | None = None
    examples: int | None = None

    @classmethod
    def read(cls, fields: Fields) -> Threshold:
        return cls(
            fields.number("value"),
            fields.number("false_alarm_rate", least=0, most=1),
            fields.optional("measured_rate", lambda name: fields.number(name, least=0, most=1)),
            fields.optional("examples", lambda name: fields.integer(name, least=1)),
        )


@dataclass(frozen=True)
class Pictures:
    """Pictures of any size, which become images (height, width, channels).

    Attributes:
        height: of the images, in pixels.
        width: of the images, in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        fit: "crop" cuts the middle of a picture with another aspect ratio. "pad" adds black edges.
        pixels: range of the pixel values, one of `PIXELS`.
        threshold: of the signature `score`.
    """

    kind: ClassVar = "pictures"
    height: int
    width: int
    channels: int
    fit: str = "crop"
    pixels: str = "0..1"
    threshold: Threshold | None = None

    @classmethod
    def read(cls, fields: Fields) -> Pictures:
        return cls(
            fields.integer("height", least=1, most=MAX_SIDE),
            fields.integer("width", least=1, most=MAX_SIDE),
            fields.choice("channels", (1, 3)),
            fields.choice("fit", FITS),
            fields.choice("pixels", PIXELS),
            _threshold(fields),
        )


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers. The numbers are inputs of the model as they are.

    Attributes:
        name: the column's name.
        mean: mean of the training examples.
        deviation: standard deviation of the training examples.
        least: smallest value of the training examples.
        most: largest value of the training examples.
    """

    type: ClassVar = "number"
    name: str
    mean: float | None = None
    deviation: float | None = None
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories.

    Attributes:
        name: the column's name.
        names: the categories of the training examples, in the order of the one-hot values or ids.
        missing: the category that stands for missing values. None if missing values are refused. It is not in `names`
            if the training examples had no missing values.
        takes_others: whether the model takes other categories, too: it has a vector for all of them, which no training
            example has changed.
    """

    type: ClassVar = "category"
    name: str
    names: tuple[str, ...]
    missing: str | None = None
    takes_others: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether `names` are all categories. A note on a signature can have less space than they need."""
        return self.names != CUT_NAMES


Column = NumberColumn | CategoryColumn


@dataclass(frozen=True)
class Table:
    """Rows of a table.

    Attributes:
        columns: the columns in the order of the model's input.
        encoding: "one_hot": numbers as they are, and a category as one-hot values in its place. "ids": all columns are
            categories, which become ids.
        target: names of the predicted columns.
        threshold: of the signature `score`.
    """

    kind: ClassVar = "table"
    columns: tuple[Column, ...]
    encoding: str = "one_hot"
    target: tuple[str, ...] = ()
    threshold: Threshold | None = None

    @property
    def width(self) -> int:
        """The number of the model's inputs for a row with the encoding "one_hot"."""
        return sum(len(each.names) if isinstance(each, CategoryColumn) else 1 for each in self.columns)

    @classmethod
    def read(cls, fields: Fields) -> Table:
        encoding = fields.choice("encoding", ENCODINGS)
        columns = tuple(fields.each("columns", read_column))
        if encoding == "ids" and any(isinstance(each, NumberColumn) for each in columns):
            raise BadPreparation('Expected only columns of categories for the encoding "ids".')
        return cls(columns, encoding, tuple(fields.strings("target")), _threshold(fields))


@dataclass(frozen=True)
class SeriesColumn:
    """A value of a series, with its smallest and largest value in the training part."""

    name: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Series:
    """A series of values at equal steps of time.

    Attributes:
        columns: the values of a step.
        time: name of the column with the time. None if there is none.
        step: time between two values, such as "month". None if it is not known.
        first: time of the first value of the training part.
        last: time of the last value of the training part.
        history: number of steps that the model was trained to see before a forecast.
        horizon: number of steps of a forecast.
        threshold: of the signature `score`.
    """

    kind: ClassVar = "series"
    columns: tuple[SeriesColumn, ...]
    time: str | None = None
    step: str | None = None
    first: str | None = None
    last: str | None = None
    history: int | None = None
    horizon: int | None = None
    threshold: Threshold | None = None

    @classmethod
    def read(cls, fields: Fields) -> Series:
        def count(name: str) -> int:
            return fields.integer(name, least=1)

        return cls(
            tuple(fields.each("columns", lambda each: SeriesColumn(each.string("name"), *_range(each)))),
            fields.optional("time", fields.string),
            fields.optional("step", fields.string),
            fields.optional("first", fields.string),
            fields.optional("last", fields.string),
            fields.optional("history", count),
            fields.optional("horizon", count),
            _threshold(fields),
        )


@dataclass(frozen=True)
class Texts:
    """Texts. The run's `tokens.json` says how they are split into tokens."""

    kind: ClassVar = "texts"
    threshold: Threshold | None = None

    @classmethod
    def read(cls, fields: Fields) -> Texts:
        return cls(_threshold(fields))


@dataclass(frozen=True)
class Arrays:
    """Arrays that are the inputs of the model as they are, such as a dataset of the gallery."""

    kind: ClassVar = "arrays"
    threshold: Threshold | None = None

    @classmethod
    def read(cls, fields: Fields) -> Arrays:
        return cls(_threshold(fields))


Preparation = Pictures | Table | Series | Texts | Arrays
KINDS: dict[str, Any] = {each.kind: each for each in (Pictures, Table, Series, Texts, Arrays)}


def read(content: Any) -> Preparation:
    """Returns the description in a JSON object. Raises BadPreparation if it is not one of the descriptions above."""
    fields = Fields(content, "the preparation")
    kind = fields.choice("kind", tuple(KINDS))
    preparation: Preparation = KINDS[kind].read(fields)
    fields.check_all_known()
    return preparation


def to_json(description: Preparation | Column | SeriesColumn | Threshold) -> dict[str, Any]:
    """Returns a description as a JSON object, without the values that are not known. `read` reads it."""
    content = asdict(description)
    if isinstance(description, Table | Series):
        content["columns"] = [to_json(each) for each in description.columns]
    if isinstance(description, Preparation) and description.threshold:
        content["threshold"] = to_json(description.threshold)
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in content.items()}
    mark = {name: getattr(description, name) for name in ("kind", "type") if hasattr(description, name)}
    return mark | {key: value for key, value in given.items() if value is not None and value is not False}


def read_column(fields: Fields) -> Column:
    """Returns a column of a table."""
    name = fields.string("name")
    if fields.choice("type", ("number", "category")) == "number":
        mean, deviation = fields.optional("mean", fields.number), fields.optional("deviation", fields.number)
        return NumberColumn(name, mean, deviation, *_range(fields))
    names = tuple(fields.strings("names"))
    missing = fields.optional("missing", fields.string)
    if not names or len(set(names)) != len(names):
        raise BadPreparation(f"Expected one or more different names of categories in the column {name}.")
    return CategoryColumn(name, names, missing, bool(fields.optional("takes_others", fields.boolean)))


def _range(fields: Fields) -> tuple[float | None, float | None]:
    return fields.optional("least", fields.number), fields.optional("most", fields.number)


def _threshold(fields: Fields) -> Threshold | None:
    return fields.optional("threshold", lambda name: fields.inner(name, Threshold.read))
