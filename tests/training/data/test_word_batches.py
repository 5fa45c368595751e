"""Tests of the training batches for word2vec."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.training.data.word_batches import NEGATIVES, WordBatches
from keras_gallery.training.data.word_pairs import Text, counts_of

# 400 sentences of five words. All words are about equally frequent, so subsampling removes few words.
WORDS = np.random.default_rng(0).integers(2, 2_002, 2_000).astype(np.int32)
TEXT = Text(WORDS, np.repeat(np.arange(400), 5))
COUNTS = counts_of(TEXT, 2_002)


def batches(cbow: bool, **options: int) -> WordBatches:
    return WordBatches(TEXT, COUNTS, **({"window": 2, "batch_size": 64, "seed": 0} | options), cbow=cbow)  # type: ignore[arg-type]


@pytest.mark.parametrize("cbow", [False, True])
def test_contents_of_a_batch(cbow: bool) -> None:
    found = batches(cbow)
    for index in range(len(found)):
        inputs, labels = found[index]
        assert set(inputs) == {"context" if cbow else "word", "candidates"}
        assert all(each.dtype == np.int32 for each in inputs.values())
        assert inputs["candidates"].shape == labels.shape == (64, 1 + NEGATIVES)
        np.testing.assert_array_equal(labels, np.eye(1, 1 + NEGATIVES).repeat(64, axis=0))
        assert (inputs["candidates"][:, 1:] != inputs["candidates"][:, :1]).all()


def neighbours_of(text: Text, window: int) -> set[tuple[int, int]]:
    return {
        (int(text.words[index]), int(text.words[other]))
        for index in range(len(text.words))
        for other in range(max(0, index - window), min(len(text.words), index + window + 1))
        if index != other and text.sentences[index] == text.sentences[other]
    }


def test_true_candidate_is_a_neighbour() -> None:
    """Subsampling can bring distant words of the same sentence into the window, but no words of other sentences."""
    near = neighbours_of(TEXT, 4)
    pairs, contexts = batches(False), batches(True)
    for index in range(len(pairs)):
        inputs, _ = pairs[index]
        assert set(zip(inputs["word"][:, 0].tolist(), inputs["candidates"][:, 0].tolist(), strict=True)) <= near
    for index in range(len(contexts)):
        inputs, _ = contexts[index]
        for context, word in zip(inputs["context"], inputs["candidates"][:, 0], strict=True):
            assert context.any() and {(int(word), int(each)) for each in context[context > 0]} <= near


def test_epochs_differ_and_are_reproducible_with_a_seed() -> None:
    first, again, other = batches(False), batches(False), batches(False, seed=1)
    np.testing.assert_array_equal(first[0][0]["candidates"], again[0][0]["candidates"])
    assert (first[0][0]["word"] != other[0][0]["word"]).any()
    before, steps = first.targets, len(first)
    first.begin_epoch(1)
    assert len(first) == steps and not np.array_equal(before, first.targets)
    again.begin_epoch(1)
    for index in (2, 0, 2):
        np.testing.assert_array_equal(first[index][0]["candidates"], again[index][0]["candidates"])


def test_near_words_are_more_frequent() -> None:
    """The window size is randomly 1 or 2, so only half of the contexts contain the words at a distance of 2."""
    text = Text(
        np.arange(2, 2_002, dtype=np.int32), np.zeros(2_000, np.int64)
    )  # one sentence that contains each word once
    found = WordBatches(text, counts_of(text, 2_002), window=2, cbow=False, batch_size=64, seed=0)
    distances = np.abs(found.inputs[:, 0] - found.targets)
    assert set(np.unique(distances)) == {1, 2}
    assert (distances == 2).sum() / (distances == 1).sum() == pytest.approx(0.5, abs=0.05)


def test_a_batch_larger_than_an_epoch_is_filled_up() -> None:
    found = batches(True, batch_size=5_000)
    assert len(found) == 1 and found[0][1].shape == (5_000, 1 + NEGATIVES)
