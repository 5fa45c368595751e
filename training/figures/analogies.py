"""Answers questions such as "man is to king as woman is to …" with word vectors."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ..data.tokens import Tokens
from .word_similarity import Floats, unit_vectors

# The questions of Mikolov et al. 2013, arXiv:1301.3781, in gensim's test data: 14 sections, such as "family".
FILE = "questions-words.txt"
CHUNK = 512  # questions that are answered at once


def questions() -> dict[str, list[list[str]]]:
    """Returns the questions of each section in lower case. A question has four words; the fourth is the answer."""
    from gensim.test.utils import datapath

    found: dict[str, list[list[str]]] = {}
    with open(datapath(FILE), encoding="utf-8") as file:
        for line in file:
            if line.startswith(": "):
                name = re.sub(r"^gram\d+-", "", line[2:].strip()).replace("-", "_")
                found[name] = []
            else:
                found[name].append(line.lower().split())
    return found


def analogy_figures(vectors: Floats, words: Tokens) -> dict[str, float]:
    """Returns the share of the questions that the vectors answer correctly.

    The answer to "a is to b as c is to …" is the word whose vector has the largest cosine similarity to b − a + c,
    where the vectors of a, b and c have length 1. The words a, b and c are no answers. This is 3CosAdd of Levy and
    Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word Representations".

    Args:
        vectors: vector of each id, `(tokens, dim)`.
        words: the vocabulary.

    Returns:
        `analogies`: the share, from 0 to 1. `analogies_questions`: the number of questions. Questions with an unknown
        word are left out. `analogies_<section>` and `analogies_<section>_questions`: the same for each section. There
        is no result without questions.
    """
    ids = {word: number for number, word in enumerate(words.names)}
    units = unit_vectors(vectors)[2:]
    figures: dict[str, float] = {}
    results: list[NDArray[np.bool_]] = []
    for section, asked in questions().items():
        known = [[ids[word] for word in each] for each in asked if all(word in ids for word in each)]
        if known:
            results.append(_correct(units, np.array(known)))
            figures |= _share(f"analogies_{section}", results[-1])
    return (_share("analogies", np.concatenate(results)) | figures) if results else {}


def _share(name: str, correct: NDArray[np.bool_]) -> dict[str, float]:
    return {name: float(correct.mean()), f"{name}_questions": len(correct)}


def _correct(units: Floats, asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns whether each question is answered correctly, `(n,)`. `asked` are rows of `units`, `(n, 4)`."""
    correct = []
    for start in range(0, len(asked), CHUNK):
        a, b, c, d = asked[start : start + CHUNK].T
        cosines = (units[b] - units[a] + units[c]) @ units.T  # (questions, words), times the length of b − a + c
        for given in (a, b, c):
            cosines[np.arange(len(a)), given] = -np.inf
        correct.append(cosines.argmax(axis=1) == d)
    return np.concatenate(correct)
