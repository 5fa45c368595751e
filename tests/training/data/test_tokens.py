"""Tests of `Tokens`, which converts texts to token IDs and back."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.tokens import MARKS, Tokens


def test_ids_count_from_two() -> None:
    tokens = Tokens(("a", "b"), "characters")
    np.testing.assert_array_equal(tokens.ids(["ab", "B", "cab", ""]), [[2, 3, 0], [3, 0, 0], [1, 2, 3], [0, 0, 0]])
    assert tokens.ids([]).shape == (0, 0) and tokens.size == 4
    np.testing.assert_array_equal(tokens.ids(["abab"], 2), [[2, 3]])
    assert tokens.texts(np.array([[2, 3, 0], [1, 2, 0]])) == ["ab", "[UNK]a"]


def test_start_and_end_tokens() -> None:
    tokens = Tokens((*MARKS, "AE", "T"), "spaces")
    np.testing.assert_array_equal(tokens.ids(["AE T", "T"]), [[2, 4, 5, 3], [2, 5, 3, 0]])
    assert tokens.texts(np.array([[2, 4, 5, 3, 5], [4, 5, 5, 3, 0]])) == ["AE T", "AE T T"]
    assert tokens.texts(np.array([[4, 4]])) == ["AE AE"]  # without an end token


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("words", ["it's", "great", "no", "7"]),
        ("characters", list("it's great; no. 7")),
        ("spaces", ["It's", "GREAT;", "no.", "7"]),
        ("whole", ["It's GREAT; no. 7"]),
    ],
)
def test_splits(split: str, parts: list[str]) -> None:
    tokens = Tokens.of(["It's GREAT; no. 7"], split)  # type: ignore[arg-type]
    assert sorted(tokens.names) == sorted(set(parts))
    assert len(tokens.ids(["It's GREAT; no. 7"])[0]) == len(parts)


def test_tokens_are_sorted_by_frequency() -> None:
    assert Tokens.of(["b a", "c b", "b c"], "words").names == ("b", "c", "a")
    assert Tokens.of(["b a", "c b", "b c"], "words", most=2, marks=True).names == (*MARKS, "b", "c")
