"""Compares beam search with a plain search in Python, and with a search that tries all texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation.decoding import beam_search, greedy
from keras_gallery.preparation.splits import END, PADDING

from .random_decoder import RandomDecoder, all_texts, plain_beam_search, shown

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beam", [1, 2, 3, 7])
def test_beam_search_equals_a_plain_search(seed: int, beam: int) -> None:
    decoder = RandomDecoder(6, seed)
    states = decoder.states(3)
    ids, scores = beam_search(decoder, states, 3, 8, beam)
    assert ids.dtype == np.int32 and scores.dtype == np.float32 and ids.shape[:2] == scores.shape == (3, beam)
    for row in range(3):
        want = plain_beam_search(decoder, states[0][row], 8, beam)
        assert ids[row].tolist() == [shown(text, ids.shape[2]) for _, text in want]
        np.testing.assert_allclose(scores[row], [score for score, _ in want], rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_large_beam_finds_the_most_probable_of_all_texts(seed: int) -> None:
    decoder = RandomDecoder(4, seed)
    (state,) = decoder.states(1)
    ids, scores = beam_search(decoder, [state], 1, 3, 4**3)
    texts = sorted(((decoder.score(state[0], text, 3), text) for text in all_texts(4, 3)), reverse=True)
    assert ids[0, : len(texts)].tolist() == [shown(text, 3) for _, text in texts]
    np.testing.assert_allclose(scores[0, : len(texts)], [score for score, _ in texts], rtol=1e-5)
    assert np.exp(scores[0, : len(texts)].astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    assert (scores[0, len(texts) :] == -np.inf).all() and not ids[0, len(texts) :].any()  # there are no further texts


@pytest.mark.parametrize("seed", SEEDS)
def test_the_search_of_all_texts_finds_more_probable_ones_than_greedy(seed: int) -> None:
    decoder = RandomDecoder(5, seed)
    states = decoder.states(20)
    found = [beam_search(decoder, states, 20, 4, beam)[1][:, 0] for beam in (1, 5**4)]
    assert (found[1] >= found[0] - 1e-5).all() and (found[1] > found[0] + 1e-3).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_beam_of_1_is_greedy(seed: int) -> None:
    decoder = RandomDecoder(9, seed, end=-1)
    states = decoder.states(30)
    ids, _ = beam_search(decoder, states, 30, 20, 1)
    np.testing.assert_array_equal(ids[:, 0], greedy(decoder, states, 30, 20))


def constant(probabilities: list[float]) -> Any:
    return lambda previous, states: (np.tile(np.array(probabilities, np.float32), (len(previous), 1)), states)


@pytest.mark.parametrize("tied", [False, True])
def test_a_beam_of_1_is_greedy_for_almost_equal_probabilities(tied: bool) -> None:
    """Scores in float32 would not tell the last tokens of a long text apart."""
    low, high = np.float32(0.4), np.nextafter(np.float32(0.4), np.float32(1))
    decode = constant([0, 0, 0, 0, 0.1, low, low if tied else high])
    ids, scores = beam_search(decode, [], 2, 500, 1)
    assert (ids == (5 if tied else 6)).all()
    np.testing.assert_array_equal(ids[:, 0], greedy(decode, [], 2, 500))
    np.testing.assert_allclose(scores, 500 * np.log(0.4), rtol=1e-6)


@pytest.mark.parametrize("end", [END, PADDING])
def test_a_text_that_has_ended_keeps_its_score_and_its_place(end: int) -> None:
    """The text ends at the first step with probability 0.6. All longer texts are less probable."""
    p = [0.0, 0.0, 0.0, 0.0, 0.4]
    p[end] = 0.6
    ids, scores = beam_search(constant(p), [], 1, 5, 3)
    assert ids[0].tolist() == [[0] * 3, [4, 0, 0], [4, 4, 0]]
    np.testing.assert_allclose(np.exp(scores[0]), [0.6, 0.4 * 0.6, 0.4**2 * 0.6], rtol=1e-6)
    assert greedy(constant(p), [], 1, 5).tolist() == [[0]]


def test_probabilities_of_0_have_a_score() -> None:
    """With a probability below the smallest float32, an engine may compute 0."""
    scores = [beam_search(constant([each, 0, 0, 1, 0]), [], 1, 2, 2)[1] for each in (0.0, 1e-42)]
    np.testing.assert_array_equal(*scores)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("end", [1.0, 4.0])
@pytest.mark.parametrize("beam", [None, 1, 3])
def test_rows_are_independent_and_rows_that_have_ended_are_left_out(end: float, beam: int | None) -> None:
    decoder = RandomDecoder(7, 3, end=end)
    states = decoder.states(40)

    def run(rows: slice) -> Any:
        part = [each[rows] for each in states]
        return (
            greedy(decoder, part, len(part[0]), 50)
            if beam is None
            else beam_search(decoder, part, len(part[0]), 50, beam)[0]
        )

    together = run(slice(None))
    numbers = [each // (beam or 1) for each in decoder.runs]
    assert numbers[0] == 40 and numbers[-1] < 20 and numbers == sorted(numbers, reverse=True)
    assert {40, 20, 10, 5, 3, 2, 1} >= set(numbers)  # few shapes
    for row in range(40):
        alone = run(slice(row, row + 1))[0]
        np.testing.assert_array_equal(together[row][..., : alone.shape[-1]], alone)
        assert not together[row][..., alone.shape[-1] :].any()


def test_the_largest_number_of_tokens() -> None:
    decode = constant([0, 0, 0, 0, 1])
    assert greedy(decode, [], 2, 3).tolist() == [[4] * 3] * 2
    ids, scores = beam_search(decode, [], 1, 3, 1)
    assert ids.tolist() == [[[4] * 3]] and scores.tolist() == [[0]]
