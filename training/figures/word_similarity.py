"""Compares the cosine similarity of word vectors with human judgements of word similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.tokens import Tokens

Floats = NDArray[np.float32]

# Files in gensim's test data with pairs of words and the mean of the human judgements, from 0 to 10. In WordSim-353
# (Finkelstein et al. 2002), related words count as similar. In SimLex-999 (Hill, Reichart, Korhonen 2015), words that
# are only related do not count as similar.
FILES = {"wordsim": "wordsim353.tsv", "simlex": "simlex999.txt"}

LEAST_PAIRS = 2


def judged(name: str) -> list[tuple[str, str, float]]:
    """Returns the word pairs of `wordsim` or `simlex` in lower case, with their mean judgement."""
    from gensim.test.utils import datapath

    with open(datapath(FILES[name]), encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return [(first.lower(), second.lower(), float(mean)) for first, second, mean in rows]


def similarity_figures(vectors: Floats, words: Tokens) -> dict[str, float]:
    """Returns Spearman's rank correlations of the vectors' cosine similarities with human judgements.

    Args:
        vectors: vector of each id, `(tokens, dim)`.
        words: the vocabulary.

    Returns:
        `wordsim` and `simlex`: the correlations, from −1 to 1. `wordsim_pairs` and `simlex_pairs`: the numbers of pairs
        that are used. Pairs with an unknown word are left out. With fewer than `LEAST_PAIRS` pairs, there is no result.
    """
    from scipy.stats import spearmanr

    ids = {word: number for number, word in enumerate(words.names, 2)}
    units = unit_vectors(vectors)
    figures: dict[str, float] = {}
    for name in FILES:
        known = [(ids[a], ids[b], mean) for a, b, mean in judged(name) if a in ids and b in ids]
        if len(known) < LEAST_PAIRS:
            continue
        firsts, seconds, means = (np.array(column) for column in zip(*known, strict=True))
        cosines = np.sum(units[firsts] * units[seconds], axis=1)
        figures[name] = float(spearmanr(cosines, means).statistic)
        figures[f"{name}_pairs"] = len(known)
    return figures


def unit_vectors(vectors: Floats) -> Floats:
    """Scales vectors `(n, dim)` to length 1. Zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)


def neighbours(vectors: Floats, queries: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], Floats]:
    """Returns the `count` vectors with the largest cosine similarity to each query, in descending order.

    The query itself is left out.

    Args:
        vectors: `(n, dim)`.
        queries: indices of the queries in `vectors`, `(m,)`.
        count: number of neighbours, less than n.

    Returns:
        Indices of the neighbours, and their cosine similarities, both `(m, count)`.
    """
    units = unit_vectors(vectors)
    cosines = units[queries] @ units.T  # (m, n)
    cosines[np.arange(len(queries)), queries] = -np.inf
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return nearest, np.take_along_axis(cosines, nearest, axis=1)
