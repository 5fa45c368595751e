"""Chooses the tokens of the texts that a decoder predicts: the most probable token at each step, or by beam search.

`serving/signatures/text_generator.py` does the same with TensorFlow's operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .splits import END, PADDING, START

Array = np.ndarray[Any, Any]
States = Sequence[Array]  # arrays (rows, units)
# Returns the probabilities of the next tokens (rows, tokens), and the next states. The arguments are the token before,
# int32 (rows, 1), and the states.
Decode = Callable[[Array, States], tuple[Array, States]]

MAX_BEAM = 16  # that a request or an evaluation may ask for
LEAST = float(np.finfo(np.float32).tiny)  # smaller probabilities count as this one, so that all have a logarithm


def greedy(decode: Decode, states: States, count: int, length: int) -> Array:
    """Generates texts with the most probable token at each step. Of equally probable tokens, the first one is chosen.

    A text ends before its end token or a padding token, or after `length` tokens. If at least half of the texts have
    ended, half of the rows are left out of the next steps.

    Args:
        decode: the decoder.
        states: the initial states (count, units).
        count: number of texts, at least 1.
        length: largest number of tokens, at least 1.

    Returns:
        ids (count, steps), int32, padded with 0. The longest text decides the number of steps, with its end token.
    """
    ids = np.zeros((count, length), np.int32)
    rows, last = np.arange(count), np.full(count, START, np.int32)
    has_ended = np.zeros(count, bool)
    for step in range(length):
        p, states = decode(last[:, np.newaxis], states)
        last = np.where(has_ended, PADDING, p.argmax(-1)).astype(np.int32)
        has_ended = (last == END) | (last == PADDING)
        ids[rows, step] = np.where(has_ended, PADDING, last)
        if has_ended.all():
            break
        kept = _unfinished_half(has_ended)
        if len(kept) < len(rows):
            rows, last, has_ended, states = rows[kept], last[kept], has_ended[kept], [each[kept] for each in states]
    return ids[:, : step + 1]


def beam_search(decode: Decode, states: States, count: int, length: int, beam: int) -> tuple[Array, Array]:
    """Generates several probable texts for each input by beam search.

    Each step extends the `beam` best texts by each token, and keeps the `beam` best results. The score of a text is the
    sum of the logarithms of the probabilities of its tokens and of its end token. It is not divided by the length of
    the text, so that it is the logarithm of the text's probability. A text ends before its end token or a padding
    token, or after `length` tokens. The search ends when all texts have ended. With a beam of 1, the text is that of
    `greedy`.

    Args:
        decode: the decoder.
        states: the initial states (count, units).
        count: number of inputs, at least 1.
        length: largest number of tokens, at least 1.
        beam: number of texts for each input, at least 1.

    Returns:
        ids (count, beam, steps), int32, padded with 0, the best text first, and their scores (count, beam), float32. If
        there are fewer than `beam` texts, the others have no tokens and the score −∞.
    """
    ids = np.zeros((count, beam, length), np.int32)
    scores = np.full((count, beam), -np.inf)  # float64, so that different probabilities give different sums
    scores[:, 0] = 0
    has_ended = np.zeros((count, beam), bool)
    last = np.full((count, beam), START, np.int32)
    rows = np.arange(count)  # the inputs whose search has not ended, and maybe others
    states = [each.repeat(beam, axis=0) for each in states]  # (rows · beam, units)
    for step in range(length):
        p, states = decode(last.reshape(-1, 1), states)
        gains = np.log(np.maximum(p, LEAST, dtype=np.float64)).reshape(len(rows), beam, -1)
        gains[has_ended] = -np.inf
        gains[has_ended, PADDING] = 0
        tokens = gains.shape[-1]
        best, scores[rows] = _largest((scores[rows, :, np.newaxis] + gains).reshape(len(rows), -1), beam)
        before, last = best // tokens, (best % tokens).astype(np.int32)  # (rows, beam)
        has_ended = (last == END) | (last == PADDING)
        ids[rows] = np.take_along_axis(ids[rows], before[:, :, np.newaxis], axis=1)
        ids[rows, :, step] = np.where(last == END, PADDING, last)
        if has_ended.all():
            break
        kept = _unfinished_half(has_ended.all(axis=1))
        from_rows = (kept[:, np.newaxis] * beam + before[kept]).ravel()
        states = [each[from_rows] for each in states]
        rows, last, has_ended = rows[kept], last[kept], has_ended[kept]
    ids[scores == -np.inf] = PADDING
    return ids[:, :, : step + 1], scores.astype(np.float32)


def _unfinished_half(has_ended: Array) -> Array:
    """Returns all rows, or if at least half of them have ended: half of them, with all that have not ended.

    Few different numbers of rows keep the number of shapes small for which an engine compiles the decoder.
    """
    half = (len(has_ended) + 1) // 2
    if len(has_ended) - np.count_nonzero(has_ended) > half or half == len(has_ended):
        return np.arange(len(has_ended))
    return np.argsort(has_ended, kind="stable")[:half]


def _largest(values: Array, count: int) -> tuple[Array, Array]:
    """Returns the positions and the values of the largest values of each row, in descending order.

    Of equal values, the first one comes first. `values` is overwritten.
    """
    rows = np.arange(len(values))
    places = np.empty((len(values), count), np.int64)
    found = np.empty((len(values), count))
    for number in range(count):
        places[:, number] = at = values.argmax(axis=1)
        found[:, number] = values[rows, at]
        values[rows, at] = -np.inf
    return places, found
