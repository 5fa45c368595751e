"""Training batches for word2vec: words, the words around them, and negative samples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .word_pairs import Ids, NegativeSampler, Text, contexts, keep_probabilities, pairs, subsampled

SAMPLE = 1e-3  # a word with a larger share of the text is subsampled
NEGATIVES = 5


class WordBatches(keras.utils.PyDataset):
    """Training batches for word2vec: input words, candidate words, and labels that mark the true candidate.

    Each epoch subsamples frequent words, draws a window size for each word and shuffles the examples. All examples of
    an epoch are created at once. This needs about fifty bytes for each word and pair, and takes a second or less for
    half a million words.

    Args:
        text: the text to learn from. Each word must have a neighbour in its sentence at least once.
        counts: number of occurrences of each id in the training text, for subsampling and negative samples.
        window: largest number of context words on each side.
        cbow: if true, the input is a context and the true candidate is its middle word; if false, the input is a word
            and the true candidate is a word of its context.
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
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()
        # The number of examples varies by a few in a thousand, but Keras needs the same number of steps in each epoch.
        self.steps = max(1, round(len(self.targets) / batch_size))

    def on_epoch_end(self) -> None:
        text = subsampled(self.text, self.shares, self.rng)
        reach = self.rng.integers(1, self.window + 1, len(text.words))
        around = contexts(text, self.window, reach)
        if self.cbow:
            used = around.any(axis=1)
            self.inputs, self.targets = around[used], text.words[used]
        else:
            words, self.targets = pairs(text.words, around)
            self.inputs = words[:, None]
        self.order = self.rng.permutation(len(self.targets))

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[dict[str, Ids], NDArray[np.float32]]:
        positions = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        return self.examples(self.order.take(positions, mode="wrap"))

    def examples(self, chosen: NDArray[np.int64]) -> tuple[dict[str, Any], NDArray[np.float32]]:
        """Returns inputs and labels of the given examples of the epoch, with new negative samples."""
        true = self.targets[chosen]
        candidates = np.column_stack([true, self.negatives.draw(true, NEGATIVES, self.rng)])  # (batch, 1 + negatives)
        labels = np.zeros(candidates.shape, np.float32)
        labels[:, 0] = 1
        return {"context" if self.cbow else "word": self.inputs[chosen], "candidates": candidates}, labels
