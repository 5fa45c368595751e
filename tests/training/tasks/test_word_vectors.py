"""Tests of the task `word_vectors` (figures, baselines, a short training) and of its dataset `wikipedia`."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.training import Dataset, load, load_recipe
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.data.word_batches import NEGATIVES
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks.word_vectors import WordVectors, vectors_of
from keras_gallery.training.train import train


@pytest.fixture(scope="module")
def wikipedia() -> Dataset:
    return load("wikipedia")


@pytest.fixture(scope="module")
def small(wikipedia: Dataset) -> Dataset:
    """Returns a tenth of the sentences. Only the thousand most frequent words have an ID of their own."""
    words = Tokens(wikipedia.texts["word"].names[:1_000], "words")
    parts = {part: getattr(wikipedia, part)[::10] for part in ("x_train", "y_train", "x_test", "y_test")}
    few = {part: np.where(ids >= words.size, 1, ids) for part, ids in parts.items() if part.startswith("x")}
    return dataclasses.replace(wikipedia, **{**parts, **few}, texts={"word": words})


def test_wikipedia(wikipedia: Dataset) -> None:
    x, words = wikipedia.x_train, wikipedia.texts["word"]
    counts = np.bincount(x[x > 1], minlength=words.size)
    assert counts[2:].min() >= 5 and (np.diff(counts[2:]) <= 0).all()
    assert 350_000 < counts.sum() < 450_000 and 9_000 < words.size < 9_500
    assert words.names[:3] == ("the", "of", "and") and {"anarchism", "lincoln's"} <= set(words.names)
    everything = np.concatenate([x, wikipedia.x_test])
    assert ((everything > 0).sum(axis=1) >= 2).all()
    assert (np.diff((everything > 0).astype(int), axis=1) <= 0).all()  # padded on the right
    assert len(wikipedia.x_test) / len(everything) == pytest.approx(0.05, abs=1e-3)
    assert set(np.unique(np.concatenate([wikipedia.y_train, wikipedia.y_test]))) == set(range(106))
    first = words.texts(everything[np.concatenate([wikipedia.y_train, wikipedia.y_test]) == 0])
    assert any(text.startswith("anarchism is a political philosophy") for text in first)


@pytest.mark.parametrize("name", ["word2vec_skipgram", "word2vec_cbow"])
def test_figures_of_an_untrained_model(name: str, small: Dataset) -> None:
    task = WordVectors(load_recipe(name), small, 0)
    model = create(name, tokens=task.words.size, dim=8)
    model.get_layer("output_embedding").set_weights([np.zeros((task.words.size, 8))])
    found = task.evaluate(model)
    # All scores are 1/2, so the loss is −log ½ for each candidate.
    assert found["pair_loss"] == pytest.approx(found["chance_loss"], rel=1e-5)
    assert found["chance_loss"] == pytest.approx((1 + NEGATIVES) * np.log(2))
    assert 0 < found["frequency_loss"] < found["chance_loss"]
    (x, labels), (again, _) = task.validation(model), task.validation(model)
    assert len(labels) > 1_000
    np.testing.assert_array_equal(x["candidates"], again["candidates"])


def test_frequency_scores_are_probabilities(small: Dataset) -> None:
    """The score of a word is the probability that the word is the true candidate, if the word is a candidate."""
    task = WordVectors(load_recipe("word2vec_cbow"), small, 0)
    examples = task.batches(create("word2vec_cbow", tokens=task.words.size, dim=2), 4_096, seed=1)["x"]
    true_counts, counts = np.zeros(task.words.size), np.zeros(task.words.size)
    for epoch in range(8):
        for index in range(len(examples)):
            candidates = examples[index][0]["candidates"]
            true_counts += np.bincount(candidates[:, 0], minlength=task.words.size)
            counts += np.bincount(candidates.ravel(), minlength=task.words.size)
        examples.begin_epoch(epoch + 1)
    often = counts > 1_000
    assert often.sum() > 10
    np.testing.assert_allclose(task._frequency_scores()[often], (true_counts / np.maximum(counts, 1))[often], atol=0.06)


def test_gensim_baseline(small: Dataset) -> None:
    task = WordVectors(dataclasses.replace(load_recipe("word2vec_skipgram"), epochs=1), small, 0)
    model = create("word2vec_skipgram", tokens=task.words.size, dim=8)
    vectors, seconds = task._by_gensim(model, threads=1)
    assert vectors.shape == vectors_of(model).shape and seconds > 0
    np.testing.assert_array_equal(vectors[:2], 0)
    assert (vectors.any(axis=1) == (task.counts > 0)).all()
    figures = task.measure(model, lambda words: None)
    assert {"gensim_wordsim", "gensim_simlex", "gensim_seconds", "gensim_parallel_seconds"} <= figures.keys()


@pytest.mark.parametrize("name", ["word2vec_skipgram", "word2vec_cbow"])
def test_short_training(name: str, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("keras_gallery.training.train").data, "load", lambda name: small)
    run = train(TrainConfig(name, None, {"dim": 8}, epochs=3, batch_size=256, learning_rate=0.01, root=tmp_path))
    assert run.history["loss"][2] < run.history["loss"][0]
    assert run.metrics["pair_loss"] < run.metrics["chance_loss"]
    assert {path.stem for path in (run.folder / "pictures").iterdir()} == {"learning_curve", "words", "neighbours"}
    assert all(np.isfinite(figure) for figure in run.metrics.values())
    assert run.config["hyperparameters"]["tokens"] == small.texts["word"].size
