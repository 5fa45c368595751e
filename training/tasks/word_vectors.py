"""The task of learning word vectors with word2vec."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...models.losses import BinaryCrossentropy
from ..data.dataset import Dataset
from ..data.word_batches import NEGATIVES, SAMPLE, WordBatches
from ..data.word_pairs import counts_of, keep_probabilities, text_of
from ..figures.analogies import analogy_figures
from ..figures.word_similarity import neighbours, similarity_figures
from ..pictures import plots
from ..pictures import vectors as vector_plots
from ..word_tables import WordTable
from .base import Task, Yardsticks

WINDOW = 5  # window size for skip-gram; for CBOW, the window size is a hyperparameter of the model
EVALUATED_EXAMPLES = 50_000  # largest number of examples for validation and test
SHOWN = 150
LEAST_LETTERS = 4  # shorter words are not shown, because most of them are function words
NEIGHBOURS = 6
QUERY_WORDS = (
    *("war", "water", "french", "language", "film", "president"),
    *("science", "theory", "city", "century", "three", "his"),
)


class WordVectors(Task):
    """The task `word_vectors`: learns which words occur near each other, with negative sampling."""

    targets = "words"
    word_table = WordTable("word", "dim", ("embedding",))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.words = self.dataset.texts["word"]
        self.text = text_of(self.training.x)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of occurrences of each id in the training sentences."""
        return self.yardsticks["counts"]

    def fit_yardsticks(self) -> Yardsticks:
        return {"counts": counts_of(self.text, self.words.size)}

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return "word" in dataset.texts

    def hyperparameters(self) -> dict[str, Any]:
        return super().hyperparameters() | {"tokens": self.words.size}

    def loss(self) -> dict[str, Any]:
        return {"loss": BinaryCrossentropy()}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        cbow = "context" in model.input
        return {"x": WordBatches(self.text, self.counts, _window(model), cbow, batch_size, seed)}

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        return self._examples(model, self.held_out.x)

    def _examples(self, model: keras.Model, sentences: NDArray[np.int32]) -> tuple[Any, Any]:
        """Returns the inputs and labels of at most 50,000 examples from sentences. They are the same at each call."""
        cbow = "context" in model.input
        examples = WordBatches(text_of(sentences), self.counts, _window(model), cbow, 1, seed=0)
        return examples.examples(examples.order[:EVALUATED_EXAMPLES], examples.rng)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics of `similarity_figures` and `analogy_figures`, and three losses.

        The losses are in nats, averaged over examples of the test sentences. `pair_loss` is the loss of the model.
        `frequency_loss` is the loss of a baseline that uses only the word frequencies. `chance_loss` is the loss of
        predicting the probability 1/2 for each candidate.
        """
        x, labels = self._examples(model, self.dataset.x_test)
        by_frequency = self._frequency_scores()[x["candidates"]]
        return {
            **similarity_figures(vectors_of(model), self.words),
            **analogy_figures(vectors_of(model), self.words),
            "pair_loss": float(BinaryCrossentropy()(labels, model.predict(x, batch_size=1_000, verbose=0))),
            "frequency_loss": float(BinaryCrossentropy()(labels, by_frequency)),
            "chance_loss": float((1 + NEGATIVES) * np.log(2)),
        }

    def _frequency_scores(self) -> NDArray[np.float32]:
        """Returns, for each id, the probability that a candidate with this id is the true candidate."""
        kept = self.counts * keep_probabilities(self.counts, SAMPLE)
        true = kept / kept.sum()
        drawn = self.counts**0.75 / np.sum(self.counts**0.75)
        return np.asarray(true / np.maximum(true + NEGATIVES * drawn, 1e-12), np.float32)

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        title = f"{model.name}, {self.dataset.name}"
        vectors, names = vectors_of(model)[2:], self.words.names  # without the vectors of padding and unknown words
        frequent = np.argsort(-self.counts[2:], kind="stable")
        shown = ([index for index in frequent if len(names[index]) >= LEAST_LETTERS] or list(frequent))[:SHOWN]
        points = plots.two_dimensions(vectors[shown])
        words = [names[index] for index in shown]
        vector_plots.named_points(folder / "words.png", f"{title}: frequent words", points, words, "t-SNE", side=10)
        known = [names.index(word) for word in QUERY_WORDS if word in names]
        queries = np.array(known if known and self.dataset.preparation is None else shown[: len(QUERY_WORDS)])
        rows = [
            [(names[index], float(cosine)) for index, cosine in zip(*row, strict=True)]
            for row in zip(*neighbours(vectors, queries, min(NEIGHBOURS, len(names) - 1)), strict=True)
        ]
        headings = [names[index] for index in queries]
        vector_plots.neighbour_table(folder / "neighbours.png", f"{title}: nearest words", headings, rows)

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """Trains gensim's Word2Vec on the same sentences with the same settings, and returns metrics of its vectors.

        `gensim_wordsim`, `gensim_simlex`, `gensim_analogies` and `gensim_seconds` are the correlations of
        `similarity_figures`, the share of `analogy_figures` and the training time with one thread.
        `gensim_parallel_wordsim` and so on are the results with `gensim_threads` threads, one for each core.
        """
        figures: dict[str, Any] = {"gensim_threads": os.cpu_count() or 1}
        for name, threads in (("gensim", 1), ("gensim_parallel", figures["gensim_threads"])):
            report(f"    gensim, threads: {threads}")
            vectors, seconds = self._by_gensim(model, threads)
            found = similarity_figures(vectors, self.words) | analogy_figures(vectors, self.words)
            figures |= {f"{name}_{each}": found[each] for each in ("wordsim", "simlex", "analogies") if each in found}
            figures[f"{name}_seconds"] = round(seconds, 2)
        return figures

    def _by_gensim(self, model: keras.Model, threads: int) -> tuple[NDArray[np.float32], float]:
        """Returns gensim's vector of each id, `(tokens, dim)`, and the training time in seconds."""
        from gensim.models import Word2Vec

        starts = np.flatnonzero(np.diff(self.text.sentences)) + 1
        names = np.array(["", "", *self.words.names], object)[self.text.words]
        sentences = [each.tolist() for each in np.split(names, starts)]
        word2vec = Word2Vec(
            vector_size=vectors_of(model).shape[1],
            window=_window(model),
            min_count=1,
            sg=int("word" in model.input),
            negative=NEGATIVES,
            sample=SAMPLE,
            workers=threads,
            seed=0,
        )
        word2vec.build_vocab(sentences)
        started = time.perf_counter()
        word2vec.train(sentences, total_examples=len(sentences), epochs=self.recipe.epochs)
        seconds = time.perf_counter() - started
        vectors = np.zeros((self.words.size, word2vec.vector_size), np.float32)
        for number, word in enumerate(self.words.names, 2):
            if word in word2vec.wv:
                vectors[number] = word2vec.wv[word]
        return vectors, seconds


def vectors_of(model: keras.Model) -> NDArray[np.float32]:
    """Returns the vector of each id, `(tokens, dim)`."""
    return np.asarray(keras.ops.convert_to_numpy(model.get_layer("embedding").embeddings), np.float32)


def _window(model: keras.Model) -> int:
    return int(model.input["context"].shape[1]) // 2 if "context" in model.input else WINDOW
