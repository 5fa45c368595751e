"""From sentences of ids to what word2vec learns from: words, the words around them, and words drawn at random.

Two tables come of a text, both with the word first:

    pairs       (word, a word near it), a row for each              what skip-gram learns from
    contexts    (word, all words near it, padded), a row a word     read the other way round, what CBOW learns from

The notes draw both from the word to its neighbours and call the first CBOW and the second skip-gram. In Mikolov et
al. CBOW tells the word from its context, and skip-gram the words of the context, pair by pair, from the word;
the models here go by that.

Source: notes 004, "Word2vec"; Mikolov et al. 2013, arXiv:1310.4546 (subsampling, negative sampling); the shares of
words that are kept are gensim's and the original program's, not the paper's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .tokens import PADDING, UNKNOWN

Ids = NDArray[np.int32]

NOISE_POWER = 0.75
NOISE_PLACES = 2**20


class Text(NamedTuple):
    """All words of some sentences in a row.

    Attributes:
        words: ids `(n,)`, int32, without padding and unknown words.
        sentences: the number of each word's sentence `(n,)`, never falling.
    """

    words: Ids
    sentences: NDArray[np.int64]


def text_of(sentences: Ids) -> Text:
    """The known words of sentences `(n, time)`. What stood beside an unknown word moves together."""
    rows, columns = np.nonzero(sentences > UNKNOWN)
    return Text(sentences[rows, columns], rows)


def counts_of(text: Text, tokens: int) -> NDArray[np.int64]:
    """How often each id occurs: `(tokens,)`."""
    return np.bincount(text.words, minlength=tokens)


def kept_shares(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """The share of each word's occurrences that a subsampled text keeps: 1 for all but frequent words.

        share = min(1, √(s/f) + s/f),  f the word's share of the text, s the `sample`

    Args:
        counts: of each word.
        sample: the share of a text from which on a word is thinned out, above 0; 0.001 is gensim's.

    Returns:
        As many as `counts`; 1 for what does not occur.
    """
    threshold = sample * counts.sum() / np.maximum(counts, 1)
    return np.asarray(np.minimum(1.0, np.sqrt(threshold) + threshold))


def thinned(text: Text, shares: NDArray[np.float64], rng: np.random.Generator) -> Text:
    """The text with each word kept at the chance that is its share; what is left moves together."""
    kept = rng.random(len(text.words)) < shares[text.words]
    return Text(text.words[kept], text.sentences[kept])


def contexts(text: Text, window: int, reach: NDArray[np.int64] | None = None) -> Ids:
    """The words around each word of a text, within its sentence.

    Args:
        text: n words.
        window: words on each side.
        reach: `(n,)`, how many of them count, from 1 to `window`; all by default. Drawn at random, it gives near
            words more weight.

    Returns:
        `(n, 2 · window)`, in the order of the text; 0 where there is none.
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
    """(word, a word near it) for each word of `contexts` that is not padding.

    Args:
        words: `(n,)`.
        around: the words around each, `(n, 2 · window)`.

    Returns:
        Both words of each pair: `(pairs,)` and `(pairs,)`.
    """
    rows, columns = np.nonzero(around)
    return words[rows], around[rows, columns]


class Noise:
    """Words drawn at random, each with a probability in proportion to its count to the power of 3/4.

    Args:
        counts: of each id, two above 0 at least.

    Attributes:
        probabilities: of each id.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        weights = counts**NOISE_POWER
        self.probabilities: NDArray[np.float64] = weights / weights.sum()
        # Each word as often as is its share of a million: a look-up is ten times as fast as a search in the sums.
        ends = np.cumsum(self.probabilities)
        places = (np.arange(NOISE_PLACES) + 0.5) / NOISE_PLACES
        self._table = np.minimum(np.searchsorted(ends, places), np.flatnonzero(counts)[-1]).astype(np.int32)

    def draw(self, words: Ids, count: int, rng: np.random.Generator) -> Ids:
        """`count` words for each of `words` `(n,)`, none of them the word itself: `(n, count)`."""
        found = self._table[rng.integers(NOISE_PLACES, size=(len(words), count))]
        while (clash := found == words[:, None]).any():
            found[clash] = self._table[rng.integers(NOISE_PLACES, size=clash.sum())]
        return np.asarray(found)
