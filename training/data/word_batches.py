"""Batches of words, the words around them, and words drawn at random beside them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .word_pairs import Ids, Noise, Text, contexts, kept_shares, pairs, thinned

SAMPLE = 1e-3  # the share of the text from which on a word is thinned out
NEGATIVES = 5


class WordBatches(keras.utils.PyDataset):
    """What a word2vec model learns from: inputs, candidates, and which of them is the true one.

    In each epoch frequent words are thinned out anew, each context reaches as far as is drawn for it, and the
    order is another one. All of an epoch is made at once, some fifty bytes a word and a pair: for half a million
    words in a second or less.

    Args:
        text: what to learn from; each word has another one beside it in its sentence at least once.
        counts: of each id in the text learnt from, which thinning and negatives go by.
        window: words on each side.
        cbow: whether the input is a context and the true candidate its word; else the input is a word and the true
            candidate one of its context.
        batch_size: examples a step. What is left of an epoch is filled up with its first ones.
        seed: of every draw.
    """

    def __init__(
        self, text: Text, counts: NDArray[np.int64], window: int, cbow: bool, batch_size: int, seed: int
    ) -> None:
        super().__init__()
        self.text = text
        self.shares = kept_shares(counts, SAMPLE)
        self.noise = Noise(counts)
        self.window = window
        self.cbow = cbow
        self.batch_size = batch_size
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()
        # Epochs differ by some examples in a thousand; Keras wants as many steps in each.
        self.steps = max(1, round(len(self.targets) / batch_size))

    def on_epoch_end(self) -> None:
        text = thinned(self.text, self.shares, self.rng)
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
        places = np.arange(index * self.batch_size, (index + 1) * self.batch_size)
        chosen = self.order.take(places, mode="wrap")
        return self.examples(chosen)

    def examples(self, chosen: NDArray[np.int64]) -> tuple[dict[str, Any], NDArray[np.float32]]:
        """Inputs and targets of some of the epoch's examples, with negatives drawn anew."""
        true = self.targets[chosen]
        candidates = np.column_stack([true, self.noise.draw(true, NEGATIVES, self.rng)])  # (batch, 1 + negatives)
        wanted = np.zeros(candidates.shape, np.float32)
        wanted[:, 0] = 1
        return {"context" if self.cbow else "word": self.inputs[chosen], "candidates": candidates}, wanted
