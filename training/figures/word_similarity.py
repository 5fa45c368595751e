"""How alike people find two words, beside the cosine of the words' vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.tokens import Tokens

Floats = NDArray[np.float32]

# Both as in gensim's test data: the words and the mean of what people said, from 0 to 10. WordSim-353 (Finkelstein et
# al. 2002) counts what belongs together as alike, SimLex-999 (Hill, Reichart, Korhonen 2015) only what is alike.
FILES = {"wordsim": "wordsim353.tsv", "simlex": "simlex999.txt"}


def judged(name: str) -> list[tuple[str, str, float]]:
    """The word pairs of `wordsim` or `simlex`, in lower case, and how alike people found them."""
    from gensim.test.utils import datapath

    with open(datapath(FILES[name]), encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if not line.startswith("#")]
    return [(first.lower(), second.lower(), float(mean)) for first, second, mean in rows]


def similarity_figures(vectors: Floats, words: Tokens) -> dict[str, float]:
    """For `wordsim` and `simlex` Spearman's rank correlation of the cosines with what people said.

    Args:
        vectors: of each id, `(tokens, dim)`.
        words: what the ids stand for.

    Returns:
        `wordsim`, `simlex`, from −1 to 1; `wordsim_pairs`, `simlex_pairs`: over how many pairs, those whose words are
        both known.
    """
    from scipy.stats import spearmanr

    ids = {word: number for number, word in enumerate(words.names, 2)}
    units = unit_vectors(vectors)
    figures: dict[str, float] = {}
    for name in FILES:
        known = [(ids[a], ids[b], mean) for a, b, mean in judged(name) if a in ids and b in ids]
        firsts, seconds, means = (np.array(column) for column in zip(*known, strict=True))
        cosines = np.sum(units[firsts] * units[seconds], axis=1)
        figures[name] = float(spearmanr(cosines, means).statistic)
        figures[f"{name}_pairs"] = len(known)
    return figures


def unit_vectors(vectors: Floats) -> Floats:
    """Vectors `(n, dim)` at length 1; 0 stays 0."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)


def neighbours(vectors: Floats, queries: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], Floats]:
    """The `count` vectors whose angle with each query's is least, the nearest first, without the query itself.

    Args:
        vectors: `(n, dim)`.
        queries: which of them, `(m,)`.
        count: below n.

    Returns:
        Which vectors, and the cosines: `(m, count)` both.
    """
    units = unit_vectors(vectors)
    cosines = units[queries] @ units.T  # (m, n)
    cosines[np.arange(len(queries)), queries] = -np.inf
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return nearest, np.take_along_axis(cosines, nearest, axis=1)
