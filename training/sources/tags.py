"""Reads texts with a tag for each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import SPLITS, Split
from ..data.dataset import Dataset
from ..data.tokens import NO_TAG
from ..errors import BadData
from .columns import check_classes
from .source import Source
from .table import Table, shown
from .tables import divide, open_table, way_of
from .texts import are_single, check_tokens, column_of, length_of, texts_of, vocabulary


def read_tagged(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads texts and their tags. All rows with the same text are in the same part.

    If most texts are single words, the tokens are characters; otherwise they are separated by spaces. The same holds
    for the tags, in a column of its own.

    Raises:
        BadData: the table cannot be read, the model cannot use it, or a text has more or fewer tokens than tags.
    """
    names = [column_of(source, option) for option in ("text", "label")]
    table = open_table(source.data, source, (*names, source.group))
    test = None if source.test is None else open_table(source.test, source, tuple(names))
    texts, tags = (texts_of(table, name) for name in names)
    way, keys = way_of(source, table, None)
    if way == "random" and len(set(texts)) > 1:
        way, keys = "group", texts
    train, held_out, validation = divide(len(table), source, way, keys, seed, table.name)
    split: Split = "characters" if are_single(texts[train]) else "spaces"
    tokens = vocabulary(texts[train], split)
    check_tokens(tokens, table)
    length = length_of(texts[train], split)
    rows = split_tags(table, texts, tags, split)
    labels = check_classes(tuple(sorted(set().union(*rows))), sum(map(len, rows)), f"the tags of {table.name}", model)
    numbers = tag_numbers(rows, labels, length, table.name)
    x, y = tokens.ids(texts.tolist(), length), numbers
    x_test, y_test = x[held_out], y[held_out]
    if test is not None:
        x_test, y_test = read_rows(test, names, tokens, labels, length)
    return Dataset(
        name=source.title,
        x_train=x[train],
        y_train=y[train],
        x_test=x_test,
        y_test=y_test,
        source=table.name,
        labels=labels,
        texts={"text": tokens},
        validation=validation,
        preparation={"kind": "texts"},
    )


def read_rows(
    table: Table, names: Sequence[str], tokens: Any, labels: Sequence[str], length: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns the ids and the tags of a table, both `(rows, length)`, with known tokens and tags.

    Raises:
        BadData: a text has more or fewer tokens than tags, or a tag is unknown.
    """
    texts, tags = (texts_of(table, name) for name in names)
    rows = split_tags(table, texts, tags, tokens.split)
    return tokens.ids(texts.tolist(), length), tag_numbers(rows, labels, length, table.name)


def split_tags(table: Table, texts: NDArray[Any], tags: NDArray[Any], split: Split) -> list[list[str]]:
    """Returns the tags of each text. Raises BadData if a text has more or fewer tokens than tags."""
    by_character = are_single(tags)
    rows = [list(each) if by_character else each.split() for each in tags]
    for row, (text, found) in enumerate(zip(texts, rows, strict=True)):
        count = len(SPLITS[split](text))
        if count != len(found):
            kind = "characters" if split == "characters" else "words"
            raise BadData(
                f"Each of the {kind} of a text needs a tag. Received: {count} {kind} and {len(found)} tags in "
                f"{table.name}, {table.place(row)}."
            )
    return rows


def tag_numbers(rows: list[list[str]], labels: Sequence[str], length: int, where: str) -> NDArray[np.int64]:
    """Returns the number of each tag `(n, length)`, −1 for padding. Raises BadData for an unknown tag."""
    known = {name: number for number, name in enumerate(labels)}
    unknown = next((tag for row in rows for tag in row if tag not in known), None)
    if unknown is not None:
        raise BadData(f"The training data have no tag {shown(unknown)}, which is in {where}.")
    numbers = np.full((len(rows), length), NO_TAG, np.int64)
    for line, row in zip(numbers, rows, strict=True):
        line[: len(row)] = [known[tag] for tag in row[:length]]
    return numbers
