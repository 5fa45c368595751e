"""Tests the alignment of letters and phonemes, against the best of all alignments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from keras_gallery.training.datasets._alignment import align, learned_costs

RNG = np.random.default_rng(0)
LETTERS, PHONEMES = 4, 3


def numbers(count: int, least: int, most: int, *, first: int, values: int) -> list[np.ndarray]:
    return [RNG.integers(first, first + values, RNG.integers(least, most + 1)) for _ in range(count)]


def cost_of(word: np.ndarray, units: np.ndarray, costs: np.ndarray) -> float:
    return sum(costs[letter, before, last] for letter, (before, last) in zip(word, units, strict=True))


def least_cost(word: np.ndarray, spoken: np.ndarray, costs: np.ndarray) -> float:
    """Returns the smallest cost of all alignments, each a number of phonemes for each letter."""
    found = []
    for sizes in itertools.product(range(3), repeat=len(word)):
        if sum(sizes) == len(spoken):
            ends = np.cumsum(sizes)
            units = [[0] * (2 - n) + spoken[end - n : end].tolist() for n, end in zip(sizes, ends, strict=True)]
            found.append(cost_of(word, np.array(units), costs))
    return min(found)


def test_no_alignment_costs_less() -> None:
    words = numbers(60, 1, 5, first=0, values=LETTERS)
    spoken = numbers(60, 1, 6, first=1, values=PHONEMES)
    costs = RNG.random((LETTERS, PHONEMES + 1, PHONEMES + 1))
    aligned = align(words, spoken, costs)
    assert any(units is None for units in aligned)
    for word, phonemes, units in zip(words, spoken, aligned, strict=True):
        assert (units is None) == (len(phonemes) > 2 * len(word))
        if units is not None:
            np.testing.assert_array_equal(units[units > 0], phonemes)  # in order, and each of them once
            assert ((units[:, 0] == 0) | (units[:, 1] > 0)).all()
            assert cost_of(word, units, costs) == pytest.approx(least_cost(word, phonemes, costs))


def test_costs_are_learned_from_words() -> None:
    """Letter 0 is silent, letter 1 stands for phoneme 1, letter 2 for phoneme 2, and letter 3 for phonemes 3 and 1."""
    stands_for = [[], [1], [2], [3, 1]]
    words = [np.array([*word]) for word in itertools.product(range(LETTERS), repeat=4) if any(word)]
    spoken = [np.array([phoneme for letter in word for phoneme in stands_for[letter]]) for word in words]
    costs = learned_costs(words, spoken, LETTERS, PHONEMES)
    np.testing.assert_allclose(np.exp(-costs).sum((1, 2)), 1)
    for word, units in zip(words, align(words, spoken, costs), strict=True):
        assert [[each for each in unit if each] for unit in units] == [stands_for[letter] for letter in word]
