"""Training batches for word2vec, made of words, their context words and negative samples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .batches import generator
from .word_pairs import Ids, NegativeSampler, Text, contexts, keep_probabilities, pairs, subsampled

SAMPLE = 1e-3  # threshold of `keep_probabilities`
NEGATIVES = 5


class WordBatches(keras.utils.PyDataset):
    """Training batches for word2vec: input words, candidate words, and labels that mark the true candidate.

    The examples depend only on the seed, on the number of the epoch and on the number of the batch. Before each epoch
    (in `begin_epoch`), frequent words are subsampled, a window size is drawn for each word, and the examples are
    created and shuffled. An epoch needs about fifty bytes of memory for each word and pair. Its preparation takes at
    most a second for half a million words.

    Args:
        text: the text to learn from. A word is learned only if another word is in its sentence.
        counts: number of occurrences of each id in the training text, for subsampling and negative samples.
        window: largest number of context words on each side.
        cbow: if True, the input is a context, and the true candidate is the word in the middle of the context. If
            False, the input is a word, and the true candidate is a word in the context of the input.
        batch_size: number of examples in a batch. The last batch of an epoch is filled up with the first examples.
        seed: seed of all random numbers.
    """

    def __init__(
        self, text: Text, counts: NDArray[np.int64], window: int, cbow: bool, batch_size: int, seed: int
    ) -> None:
        super().__init__()
        self.text = text
        self.shares = keep_probabilities(counts, SAMPLE)
        self.negatives = NegativeSampler(counts)
        self.window = window
        self.cbow = cbow
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = -1  # no examples yet
        self.begin_epoch(0)
        # The number of examples varies by a few in a thousand, but Keras needs the same number of steps in each epoch.
        self.steps = max(1, round(len(self.targets) / batch_size))

    def begin_epoch(self, epoch: int) -> None:
        """Creates the examples of an epoch. The first epoch has the number 0."""
        if epoch == self.epoch:
            return
        self.epoch = epoch
        self.rng = generator(self.seed, epoch)
        self._make_examples(subsampled(self.text, self.shares, self.rng))
        if not len(self.targets):  # in a tiny text, subsampling can remove nearly all words
            self._make_examples(self.text)
        self.order = self.rng.permutation(len(self.targets))

    def _make_examples(self, text: Text) -> None:
        reach = self.rng.integers(1, self.window + 1, len(text.words))
        around = contexts(text, self.window, reach)
        if self.cbow:
            used = around.any(axis=1)
            self.inputs, self.targets = around[used], text.words[used]
        else:
            words, self.targets = pairs(text.words, around)
            self.inputs = words[:, None]

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[dict[str, Ids], NDArray[np.float32]]:
        positions = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        return self.examples(self.order.take(positions, mode="wrap"), generator(self.seed, self.epoch, index))

    def examples(
        self, chosen: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[dict[str, Any], NDArray[np.float32]]:
        """Returns the inputs and labels of some examples of the epoch, with new negative samples.

        Args:
            chosen: indices of the examples.
            rng: draws the negative samples.
        """
        true = self.targets[chosen]
        candidates = np.column_stack([true, self.negatives.draw(true, NEGATIVES, rng)])  # (batch, 1 + negatives)
        labels = np.zeros(candidates.shape, np.float32)
        labels[:, 0] = 1
        return {"context" if self.cbow else "word": self.inputs[chosen], "candidates": candidates}, labels
