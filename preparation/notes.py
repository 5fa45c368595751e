"""Notes on the inputs and outputs of signatures, which tell clients how the inputs were prepared for training.

A SavedModel has no field for such a note, but its dimensions can have names, which all servers ignore and pass on. The
note is the name of the last dimension of an input or output: a JSON object with one of the keys of `_READERS`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from .description import (
    CUT_NAMES,
    CategoryColumn,
    Column,
    NumberColumn,
    Pictures,
    Preparation,
    Series,
    Table,
    Threshold,
    read,
    read_column,
    to_json,
)
from .fields import BadPreparation, Fields

MAX_NOTE = 1 << 14  # characters. A longer note leaves out the names of categories.
MAX_SHOWN = 12  # categories in a sentence


@dataclass(frozen=True)
class Labels:
    """The names of the classes that the probabilities of a classifier stand for, in their order."""

    names: tuple[str, ...]


Noted = Preparation | Column | Threshold | Labels

_READERS: dict[str, Any] = {
    "preparation": read,
    "column": lambda content: read_column(Fields(content, "the column")),
    "threshold": lambda content: Threshold.read(Fields(content, "the threshold")),
    "labels": lambda content: Labels(tuple(Fields(content, "the labels").strings("names"))),
}


def write_note(noted: Noted) -> str:
    """Returns the note. Names of categories that are too long are left out. Returns "" if it is too long even then."""
    kinds: dict[str, Any] = {"column": Column, "threshold": Threshold, "labels": Labels}
    key = next((key for key, kind in kinds.items() if isinstance(noted, kind)), "preparation")
    for each in (noted, _without_names(noted)):
        content = asdict(each) if isinstance(each, Labels) else to_json(each)
        text = json.dumps({key: content}, ensure_ascii=False, separators=(",", ":"))
        if len(text) <= MAX_NOTE:
            return text
    return ""


@functools.lru_cache(256)
def read_note(text: str) -> Noted | None:
    """Returns what a note says, or None if the text is not a note that this version of the package can read."""
    if not text.startswith("{") or len(text) > 2 * MAX_NOTE:
        return None
    try:
        ((key, content),) = json.loads(text).items()
        noted: Noted = _READERS[key](content)
    except (BadPreparation, LookupError, RecursionError, ValueError):
        return None
    return noted


def _without_names(noted: Noted) -> Noted:
    if isinstance(noted, Table):
        return replace(noted, columns=tuple(_cut(each) for each in noted.columns))
    return _cut(noted) if isinstance(noted, Column) else noted


def _cut(column: Column) -> Column:
    return replace(column, names=CUT_NAMES) if isinstance(column, CategoryColumn) else column


def sentence(noted: Noted) -> str:
    """Returns what a note says in words, for documentation."""
    if isinstance(noted, Pictures):
        fit = "the middle part is scaled" if noted.fit == "crop" else "scaled, with black edges,"
        colours = "grey" if noted.channels == 1 else "RGB"
        return (
            f"PNG, JPEG, WebP or BMP files of any size: {fit} to {noted.height}x{noted.width} pixels "
            f"(height x width), {colours}, pixel values {noted.pixels}"
        )
    if isinstance(noted, Threshold):
        measured = ""
        if noted.measured_rate is not None:
            count = "" if noted.examples is None else f" of {noted.examples:,} normal test examples"
            measured = f"; {noted.measured_rate:.3g}{count} were above it"
        wanted = f"chosen for a false-alarm rate of {noted.false_alarm_rate:.3g}"
        return f"true for a score above {noted.value:.6g}, {wanted}{measured}"
    if isinstance(noted, NumberColumn):
        return f"a number{_range(noted)}"
    if isinstance(noted, CategoryColumn):
        missing = "" if noted.missing is None else f'; "" counts as {noted.missing}'
        others = "; others count as unknown" if noted.takes_others else ""
        return f"a category: {_listed(noted.names)}{missing}{others}"
    if isinstance(noted, Labels):
        return f"the classes {_listed(noted.names)}"
    if isinstance(noted, Table):
        return f"the columns {', '.join(each.name for each in noted.columns)}"
    return _series(noted) if isinstance(noted, Series) else noted.kind


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:MAX_SHOWN]) + (", …" if len(names) > MAX_SHOWN else "")


def _series(series: Series) -> str:
    parts = [", ".join(f"{each.name}{_range(each)}" for each in series.columns)]
    if series.step:
        parts.append(f"step: {series.step}")
    if series.first and series.last:
        parts.append(f"trained on {series.first} to {series.last}")
    parts += [f"{name} of {count} steps" for name in ("history", "horizon") if (count := getattr(series, name))]
    return "; ".join(parts)


def _range(column: Any) -> str:
    if column.least is None or column.most is None:
        return ""
    return f" ({column.least:.6g} to {column.most:.6g} in training)"
