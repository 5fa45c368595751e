"""A random decoder in NumPy, and a search that tries all texts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras_gallery.preparation.splits import END, PADDING, START

Text = tuple[int, ...]


class RandomDecoder:
    """Returns other probabilities after each sequence of tokens.

    Args:
        tokens: number of tokens.
        seed: the seed of the weights.
        end: is added to the logit of the end token.
        units: size of the state.
    """

    def __init__(self, tokens: int, seed: int, end: float = 0.0, units: int = 5) -> None:
        random = np.random.default_rng(seed)
        self.tokens, self.units = tokens, units
        self.rows = random.normal(0, 2, (tokens, units))
        self.kernel = random.normal(0, 1, (units, units))
        self.output = random.normal(0, 1.5, (units, tokens))
        self.bias = np.zeros(tokens)
        self.bias[END] = end
        self.runs: list[int] = []  # number of rows of each run

    def states(self, count: int) -> list[Any]:
        return [np.random.default_rng(9).normal(size=(count, self.units))]

    def __call__(self, previous: Any, states: Sequence[Any]) -> tuple[Any, list[Any]]:
        assert previous.shape == (len(states[0]), 1) and previous.dtype == np.int32
        self.runs.append(len(previous))
        s = np.tanh(states[0] @ self.kernel + self.rows[previous[:, 0]])
        logits = s @ self.output + self.bias
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (p / p.sum(axis=1, keepdims=True)).astype(np.float32), [s]

    def score(self, state: Any, text: Text, length: int) -> float:
        """Returns the sum of the logarithms of the probabilities of a text and, unless it is cut off, of its end."""
        total, states = 0.0, [state[None]]
        for before, token in itertools.pairwise((START, *text)):
            p, states = self(np.array([[before]], np.int32), states)
            total += math.log(p[0, token])
        assert len(text) <= length
        return total


def all_texts(tokens: int, length: int) -> list[Text]:
    """Returns all sequences of tokens that end at their only end or padding token, or after `length` tokens."""
    inner = [token for token in range(tokens) if token not in (END, PADDING)]
    found: list[Text] = []
    for steps in range(length):
        starts = list(itertools.product(inner, repeat=steps))
        lasts = range(tokens) if steps == length - 1 else (PADDING, END)
        found += [(*start, last) for start in starts for last in lasts]
    return found


def plain_beam_search(decoder: Any, state: Any, length: int, beam: int) -> list[tuple[float, Text]]:
    """Returns the best texts and their scores. Scores each text from its start, and sorts all of them."""
    found: list[tuple[float, Text]] = [(0.0, ())]
    for _ in range(length):
        longer: list[tuple[float, Text]] = []
        for score, text in found:
            if text and text[-1] in (END, PADDING):
                longer.append((score, text))
            else:
                longer += [
                    (decoder.score(state, (*text, token), length), (*text, token)) for token in range(decoder.tokens)
                ]
        found = sorted(longer, key=lambda each: -each[0])[:beam]
    return found


def shown(text: Text, steps: int) -> list[int]:
    """Returns the ids of a text without its end, padded with 0."""
    ids = [token for token in text if token != END]
    return ids + [PADDING] * (steps - len(ids))
