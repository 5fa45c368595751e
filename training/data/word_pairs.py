"""Converts sentences of ids to training examples for word2vec: words, their context words, and negative samples.

A text becomes one of two tables:

    pairs       a row for each (word, word near it)                      for skip-gram
    contexts    a row for each word: (word, all words near it, padded)   for CBOW

As in Mikolov et al., CBOW predicts a word from its context, and skip-gram predicts each word of the context from the
word. The lecture notes use the names differently: in the notes, the table `pairs` is for CBOW and the table `contexts`
is for skip-gram, and both models predict the context from the word.

Source: lecture notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1310.4546 (subsampling, negative sampling). The
formula of the probability of keeping a word is the formula of gensim and of the original program. The paper has another
formula.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import PADDING, UNKNOWN

Ids = NDArray[np.int32]

NOISE_POWER = 0.75
TABLE_SIZE = 2**20


class Text(NamedTuple):
    """The words of several sentences, concatenated.

    Attributes:
        words: ids `(n,)`, int32, without padding and unknown words.
        sentences: number of the sentence of each word `(n,)`, in ascending order.
    """

    words: Ids
    sentences: NDArray[np.int64]


def text_of(sentences: Ids) -> Text:
    """Returns the known words of sentences of ids `(n, time)`.

    Padding and unknown words are removed, so that the words before and after an unknown word become adjacent.
    """
    rows, columns = np.nonzero(sentences > UNKNOWN)
    return Text(sentences[rows, columns], rows)


def counts_of(text: Text, tokens: int) -> NDArray[np.int64]:
    """Returns the number of occurrences of each id, `(tokens,)`."""
    return np.bincount(text.words, minlength=tokens)


def keep_probabilities(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """Returns the probability that subsampling keeps an occurrence of each word. It is below 1 only for frequent words.

        p = min(1, √(s/f) + s/f),  where f is the word's share of the text and s is `sample`

    Args:
        counts: number of occurrences of each word, `(tokens,)`.
        sample: s, above 0. Words with a share of at most about 2.6 s are always kept. The default of gensim is 0.001.

    Returns:
        A probability for each word, `(tokens,)`. It is 1 for words that do not occur.
    """
    threshold = sample * counts.sum() / np.maximum(counts, 1)
    return np.asarray(np.minimum(1.0, np.sqrt(threshold) + threshold))


def subsampled(text: Text, shares: NDArray[np.float64], rng: np.random.Generator) -> Text:
    """Returns a random part of a text. `shares` has the probability of keeping an occurrence of each id."""
    kept = rng.random(len(text.words)) < shares[text.words]
    return Text(text.words[kept], text.sentences[kept])


def contexts(text: Text, window: int, reach: NDArray[np.int64] | None = None) -> Ids:
    """Returns the words around each word of a text, within its sentence.

    Args:
        text: n words.
        window: largest number of words on each side.
        reach: `(n,)`, the number of words on each side of each word, from 1 to `window`. The default is `window` for
            each word. With random numbers, near words are in more contexts than distant words.

    Returns:
        Ids `(n, 2 · window)`, in the order of the text. The id is 0 if there is no word.
    """
    count = len(text.words)
    around = np.full((count, 2 * window), PADDING, np.int32)
    for column, offset in enumerate((*range(-window, 0), *range(1, window + 1))):
        here = slice(max(0, -offset), max(0, min(count, count - offset)))
        there = slice(max(0, offset), max(0, min(count, count + offset)))
        near = text.sentences[here] == text.sentences[there]
        if reach is not None:
            near &= reach[here] >= abs(offset)
        around[here, column] = np.where(near, text.words[there], PADDING)
    return around


def pairs(words: Ids, around: Ids) -> tuple[Ids, Ids]:
    """Returns a pair (word, word near it) for each word in the contexts that is not padding.

    Args:
        words: ids, `(n,)`.
        around: the contexts of the words, `(n, 2 · window)`, from `contexts`.

    Returns:
        The first and the second words of the pairs: `(pairs,)` and `(pairs,)`.
    """
    rows, columns = np.nonzero(around)
    return words[rows], around[rows, columns]


class NegativeSampler:
    """Draws negative samples. The probability of a word is proportional to its count to the power of 3/4.

    Args:
        counts: number of occurrences of each id; at least two must be above 0.

    Attributes:
        probabilities: probability of each id.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        weights = counts**NOISE_POWER
        self.probabilities: NDArray[np.float64] = weights / weights.sum()
        # In the table, the number of entries of a word is proportional to its probability. A look-up in the table is
        # ten times as fast as a search in the cumulative sums.
        ends = np.cumsum(self.probabilities)
        quantiles = (np.arange(TABLE_SIZE) + 0.5) / TABLE_SIZE
        self._table = np.minimum(np.searchsorted(ends, quantiles), np.flatnonzero(counts)[-1]).astype(np.int32)

    def draw(self, words: Ids, count: int, rng: np.random.Generator) -> Ids:
        """Draws `count` ids for each id in `words` `(n,)`, never the id itself. Returns `(n, count)`."""
        drawn = self._table[rng.integers(TABLE_SIZE, size=(len(words), count))]
        while (clash := drawn == words[:, None]).any():
            drawn[clash] = self._table[rng.integers(TABLE_SIZE, size=clash.sum())]
        return np.asarray(drawn)
