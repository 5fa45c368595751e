"""Reads texts: texts with classes, texts with texts to write, and sentences for word vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import SPLITS, Split
from ..data.dataset import MOST_VALIDATION_EXAMPLES, VALIDATION_SHARE, Dataset
from ..data.tokens import Tokens
from ..errors import BadData
from .columns import classes, positions
from .files import read_lines
from .needs import kind_of
from .parts import Way, split_off
from .source import Source
from .table import Table, listed
from .tables import divide, open_table, way_of

MOST_WORDS = 20_000  # of a vocabulary
MOST_TOKENS = 200  # of a text; longer texts are truncated
LONGEST_SHARE = 0.98  # share of the training texts that are not truncated
MOST_SENTENCE = 160  # words of a sentence for word vectors; longer sentences are divided
LEAST_COUNT = 5  # of a word for word vectors
FEW_WORDS = 1_000  # if fewer words occur so often, rarer words are included
SENTENCES_TEST_SHARE = 0.05  # as in the dataset wikipedia
Texts = NDArray[Any]


def read_texts(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads texts and their classes. The test examples are a random share of each class.

    Raises:
        BadData: the table cannot be read, or the model cannot use it.
    """
    text, label = (column_of(source, option) for option in ("text", "label"))
    table = open_table(source.data, source, (text, label, source.group))
    test = None if source.test is None else open_table(source.test, source, (text, label))
    train_texts, test_texts = texts_of(table, text), None if test is None else texts_of(test, text)
    _check_columns(table, {"text": text, "label": label})
    labels = classes(table, label, model)
    y = positions(table, label, labels)
    train, held_out, validation = divide(len(table), source, *way_of(source, table, y), seed, table.name)
    inputs = train_texts[train]
    split = split_of(inputs)
    tokens = vocabulary(inputs, split)
    check_tokens(tokens, table)
    length = length_of(inputs, split)
    return Dataset(
        name=source.title,
        x_train=tokens.ids(inputs.tolist(), length),
        y_train=y[train],
        x_test=tokens.ids((train_texts[held_out] if test_texts is None else test_texts).tolist(), length),
        y_test=y[held_out] if test is None else positions(test, label, labels),
        source=table.name,
        labels=labels,
        texts={"text": tokens},
        validation=validation,
        preparation={"kind": "texts"},
    )


def read_pairs(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads texts and the texts to write. All pairs with the same text are in the same part.

    Raises:
        BadData: the table cannot be read, or the model cannot use it.
    """
    text, label = (column_of(source, option) for option in ("text", "label"))
    table = open_table(source.data, source, (text, label, source.group))
    test = None if source.test is None else open_table(source.test, source, (text, label))
    both = [texts_of(table, name) for name in (text, label)]
    way, keys = way_of(source, table, None)
    if way == "random" and len(set(both[0])) > 1:
        way, keys = "group", both[0]
    train, held_out, validation = divide(len(table), source, way, keys, seed, table.name)
    tested = [each[held_out] for each in both] if test is None else [texts_of(test, name) for name in (text, label)]
    tokens, ids = {}, []
    for role, texts, test_texts in zip(("text", "output"), both, tested, strict=True):
        used = texts[train]
        split: Split = split_of(used) if role == "text" else ("characters" if are_single(used) else "spaces")
        tokens[role] = vocabulary(used, split, marks=role == "output")
        check_tokens(tokens[role], table)
        length = length_of(used, split) + 2 * (role == "output")
        ids.append((tokens[role].ids(used.tolist(), length), tokens[role].ids(test_texts.tolist(), length)))
    return Dataset(
        name=source.title,
        x_train=ids[0][0],
        y_train=ids[1][0],
        x_test=ids[0][1],
        y_test=ids[1][1],
        source=table.name,
        texts=tokens,
        validation=validation,
        preparation={"kind": "texts"},
    )


def read_sentences(source: Source, form: str, task: str, model: str, seed: int) -> Dataset:
    """Reads sentences for word vectors: the lines of a text file, or a column of a table.

    A twentieth of the sentences are test sentences. The vocabulary is the words that occur at least five times in the
    training sentences; in small texts, rarer words are included.

    Raises:
        BadData: the file cannot be read, or has too few words.
    """
    lines = [np.array(sentences_of(data, source), object) for data in (source.data, source.test) if data is not None]
    share = SENTENCES_TEST_SHARE if source.test_share == 0.2 else source.test_share
    if len(lines[0]) < 3:
        raise BadData(f"{source.title} has {len(lines[0])} sentences with two or more words. At least 3 are needed.")
    way: Way = "time" if source.split == "time" else "random"
    if len(lines) > 1:
        train, test = lines
    else:
        train, test = (lines[0][part] for part in split_off(len(lines[0]), share, way, None, seed))
    split = SPLITS["unicode_words"]
    counts = Counter(word for line in train for word in split(line))
    least = next(n for n in (LEAST_COUNT, 2, 1) if n == 1 or sum(c >= n for c in counts.values()) >= FEW_WORDS)
    frequent = sorted((word for word in counts if counts[word] >= least), key=lambda word: (-counts[word], word))
    if len(frequent) < 3:
        raise BadData(f"{source.title} has {len(frequent)} different words. At least 3 are needed.")
    words = Tokens(tuple(frequent), "unicode_words")
    length = max(len(split(line)) for line in [*train, *test])
    x_train, x_test = words.ids(train.tolist(), length), words.ids(test.tolist(), length)
    useful, tested = (np.flatnonzero((ids > 1).sum(axis=1) > 1) for ids in (x_train, x_test))
    if len(useful) < 2 or not len(tested):
        part = "training" if len(tested) else "test"
        raise BadData(f"Too few {part} sentences of {source.title} have two known words.")
    validation = useful[split_off(len(useful), VALIDATION_SHARE, way, None, seed, MOST_VALIDATION_EXAMPLES)[1]]
    learned = np.delete(x_train, validation, axis=0)
    if len(np.unique(learned[learned > 1])) < 2:
        raise BadData(f"The training sentences of {source.title} have fewer than two different words.")
    return Dataset(
        name=source.title,
        x_train=x_train,
        y_train=np.zeros(len(x_train), np.int64),
        x_test=x_test,
        y_test=np.zeros(len(x_test), np.int64),
        source=source.title,
        texts={"word": words},
        validation=validation,
        preparation={"kind": "texts"},
    )


def sentences_of(data: Any, source: Source) -> list[str]:
    """Returns the sentences with at least two words. Longer sentences than `MOST_SENTENCE` words are divided."""
    if kind_of(data) == "table":
        table = open_table(data, source, (column_of(source, "text"),))
        lines = list(texts_of(table, column_of(source, "text"), "the column with --text"))
    elif isinstance(data, str | Path):
        lines = read_lines(Path(data))
    else:
        lines = [str(each) for each in data]
    sentences = []
    for line in lines:
        words = SPLITS["unicode_words"](line)
        pieces = (words[start : start + MOST_SENTENCE] for start in range(0, len(words), MOST_SENTENCE))
        sentences += [" ".join(piece) for piece in pieces if len(piece) > 1]
    return sentences


def column_of(source: Source, option: str) -> str:
    return str(getattr(source, option) or option)  # by default, the columns `text` and `label`


def _check_columns(table: Table, names: dict[str, str]) -> None:
    for option, name in names.items():
        if name not in table.columns:
            raise BadData(f"Name the column with --{option}. The columns of {table.name} are: {listed(table.columns)}.")


def texts_of(table: Table, name: str, options: str = "the columns with --text and --label") -> Texts:
    """Returns the texts of a column. `options` says how to name the columns, for the error message.

    Raises:
        BadData: the column or a text is missing, or the column has dates or other values.
    """
    if name not in table.columns:
        raise BadData(f"{table.name} has no column {name}. Name {options}. The columns are: {listed(table.columns)}.")
    return table.texts(name, None, "Each example needs a text.")


def are_single(texts: Sequence[str] | Texts) -> bool:
    """Returns whether most texts are single words, so that they are split into characters."""
    return sum(len(text.split()) > 1 for text in texts) * 2 < len(texts)


def split_of(texts: Sequence[str] | Texts) -> Split:
    """Returns how input texts are split into tokens: characters if most texts are single words, else words."""
    return "characters" if are_single(texts) else "unicode_words"


def vocabulary(texts: Sequence[str] | Texts, split: Split, *, marks: bool = False) -> Tokens:
    """Returns the vocabulary of training texts. Words that occur once are left out, if enough words are more frequent.

    So the model learns a vector of the unknown word from the rare words.
    """
    frequent = Tokens.of(texts, split, most=MOST_WORDS, least=2, marks=marks)
    return frequent if frequent.size >= FEW_WORDS else Tokens.of(texts, split, most=MOST_WORDS, marks=marks)


def check_tokens(tokens: Tokens, table: Table) -> None:
    if len(tokens.names) - 2 * tokens.marked < 1:
        raise BadData(f"The training texts of {table.name} have no words.")


def length_of(texts: Sequence[str] | Texts, split: Split) -> int:
    """Returns the number of tokens of a text: enough for nearly all texts, but at most `MOST_TOKENS`."""
    lengths = [len(SPLITS[split](text)) for text in texts]
    return int(np.clip(np.ceil(np.quantile(lengths, LONGEST_SHARE)), 1, MOST_TOKENS))
