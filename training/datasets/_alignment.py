"""Aligns the letters of words with their phonemes, so that each letter stands for 0, 1 or 2 phonemes.

The alignment keeps the order: the phonemes of the letters, one after the other, are the phonemes of the word. For
example, "phone" F OW N is aligned as p: nothing, h: F, o: OW, n: N, e: nothing.

The cost of a letter and its phonemes is −log P(phonemes | letter). The alignment of a word is the one with the smallest
sum of the costs. The probabilities are not known, so `learned_costs` begins with a guess, and then aligns words and
counts again and again (Viterbi training), as Black, Lenzo and Pagel 1998, "Issues in Building General Letter to Sound
Rules", do with all alignments of a word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

ROUNDS = 5
SMOOTHING = 0.1  # added to each count, so that unseen phonemes of a letter are possible
FIRST_SILENT, FIRST_PAIR = 3.0, 20.0  # costs of no phoneme and of two phonemes in the first round


def learned_costs(words: Sequence[Ints], phonemes: Sequence[Ints], letters: int, count: int) -> NDArray[np.float64]:
    """Returns the cost of each letter and its phonemes.

    Args:
        words: the letters of each word, from 0 to `letters` − 1.
        phonemes: the phonemes of each word, from 1 to `count`.
        letters: number of different letters.
        count: number of different phonemes.

    Returns:
        The costs `(letters, n, n)`, n = `count` + 1, of a letter and its first and second phoneme. Phoneme 0 is none:
        `[letter, 0, 0]` is the cost of a silent letter, and `[letter, 0, p]` the cost of the single phoneme p.
    """
    size = count + 1
    counts = np.zeros((letters, size, size))
    for word, spoken in zip(words, phonemes, strict=True):  # the first guess: the phoneme at about the same place
        at_same_place = spoken[np.arange(len(word)) * len(spoken) // len(word)]
        np.add.at(counts, (word, np.zeros_like(word), at_same_place), 1)
    costs: NDArray[np.float64] = -np.log((counts + 1) / (counts.sum((1, 2), keepdims=True) + size))
    costs[:, 0, 0] = FIRST_SILENT
    costs[:, 1:] = FIRST_PAIR
    for _ in range(ROUNDS):
        counts[:] = SMOOTHING
        for word, units in zip(words, align(words, phonemes, costs), strict=True):
            if units is not None:
                np.add.at(counts, (word, units[:, 0], units[:, 1]), 1)
        costs = -np.log(counts / counts.sum((1, 2), keepdims=True))
    return costs


def align(words: Sequence[Ints], phonemes: Sequence[Ints], costs: NDArray[np.float64]) -> list[Ints | None]:
    """Returns the phonemes of each letter of each word: `(letters of the word, 2)`, as in the indices of `costs`.

    The result is None for a word with more than two phonemes for each letter. The arguments are those and the result
    of `learned_costs`.
    """
    aligned: list[Ints | None] = [None] * len(words)
    lengths = np.array([(len(word), len(spoken)) for word, spoken in zip(words, phonemes, strict=True)])
    for letters, count in np.unique(lengths, axis=0):  # words of the same lengths are aligned together
        members = np.flatnonzero((lengths == (letters, count)).all(axis=1))
        if count <= 2 * letters:
            together, spoken = (np.stack([each[int(at)] for at in members]) for each in (words, phonemes))
            for at, units in zip(members, _aligned(together, spoken, costs), strict=True):
                aligned[at] = units
    return aligned


def _aligned(words: Ints, phonemes: Ints, costs: NDArray[np.float64]) -> Ints:
    """Aligns words `(n, letters)` with phonemes `(n, phonemes)`. Returns `(n, letters, 2)`."""
    n, letters = words.shape
    count = phonemes.shape[1]
    before = np.concatenate([np.zeros((n, 1), np.int64), phonemes[:, :-1]], axis=1)
    best = np.full((n, count + 1), np.inf)  # the smallest cost of the letters so far and of the first j phonemes
    best[:, 0] = 0
    taken = np.zeros((letters, n, count + 1), np.int64)  # the number of phonemes of each letter, if j phonemes are used
    for at in range(letters):
        letter = words[:, at, None]
        options = np.full((3, n, count + 1), np.inf)
        options[0] = best + costs[letter, 0, 0]
        options[1, :, 1:] = best[:, :-1] + costs[letter, 0, phonemes]
        options[2, :, 2:] = best[:, :-2] + costs[letter, before, phonemes][:, 1:]
        taken[at], best = options.argmin(axis=0), options.min(axis=0)
    units = np.zeros((n, letters, 2), np.int64)
    rows, used = np.arange(n), np.full(n, count)
    for at in reversed(range(letters)):
        number = taken[at, rows, used]
        last = np.maximum(used - 1, 0)
        units[:, at, 1] = np.where(number > 0, phonemes[rows, last], 0)
        units[:, at, 0] = np.where(number > 1, before[rows, last], 0)
        used -= number
    return units
