"""Compares the answers to analogies with gensim's."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.figures.analogies import FILE, analogy_figures, questions


def test_sections() -> None:
    found = questions()
    assert len(found) == 14 and sum(map(len, found.values())) == 19_544
    assert found["family"][0] == ["boy", "girl", "brother", "sister"]
    assert {"capital_common_countries", "adjective_to_adverb", "plural_verbs"} <= found.keys()
    assert all(len(each) == 4 and " ".join(each).islower() for asked in found.values() for each in asked)


@pytest.fixture(scope="module")
def vocabulary() -> tuple[Tokens, np.ndarray]:
    """Returns words of two sections, of which some are left out, and vectors in which some analogies hold."""
    rng, rows = np.random.default_rng(0), {}
    for section in ("family", "currency"):
        shift = 2 * rng.normal(size=12)
        for first, second, *_ in questions()[section]:
            if first not in rows:
                rows[first] = rng.normal(size=12)
                rows[second] = rows[first] + shift + 0.9 * rng.normal(size=12)
    for word in ("boy", "europe"):
        del rows[word]
    values = np.array([rng.normal(size=12), rng.normal(size=12), *rows.values()]) * rng.uniform(
        0.1, 9, (len(rows) + 2, 1)
    )
    return Tokens(tuple(rows), "words"), values.astype(np.float32)


def test_gensim_gives_the_same_shares(vocabulary: tuple[Tokens, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    words, values = vocabulary
    vectors = KeyedVectors(values.shape[1])
    vectors.add_vectors(list(words.names), values[2:])
    total, sections = vectors.evaluate_word_analogies(datapath(FILE))
    want = {each["section"]: (len(each["correct"]), len(each["incorrect"])) for each in sections}
    for chunk in (512, 7):
        monkeypatch.setattr("keras_gallery.training.figures.analogies.CHUNK", chunk)
        figures = analogy_figures(values, words)
        assert figures["analogies"] == pytest.approx(total) and 0.1 < total < 0.9
        for section in ("family", "currency"):
            correct, wrong = want[section]
            assert figures[f"analogies_{section}_questions"] == correct + wrong > 100
            assert figures[f"analogies_{section}"] == pytest.approx(correct / (correct + wrong))
        assert figures["analogies_questions"] == sum(map(sum, want.values())) - sum(want["Total accuracy"])
        assert len(figures) == 6  # sections without questions have no figures


def test_no_known_question() -> None:
    assert analogy_figures(np.ones((4, 3), np.float32), Tokens(("boy", "girl"), "words")) == {}
