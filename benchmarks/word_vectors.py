"""Measures what pre-trained word vectors change in a classifier of film reviews.

    python benchmarks/word_vectors.py [--seeds 3] [--epochs 5] [--vector-epochs 10]

The word vectors are learnt from `wikipedia`, half a million words: by `word2vec_skipgram` and `word2vec_cbow`, and by
gensim's Word2Vec with the same settings. `sequence_to_vector` then learns to classify `reviews` with random vectors of
the same length, and with these vectors, frozen or trained further. The program prints the number of words that were
found, and the accuracy and the cross-entropy on the test sentences: the mean and the standard deviation over the seeds
of the classifier. `reviews` needs the environment variable `GALLERY_DATA`, see `training/datasets/reviews.py`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from keras_gallery.training import load_recipe
from keras_gallery.training.data.word_batches import NEGATIVES, SAMPLE
from keras_gallery.training.results.page import figure
from keras_gallery.training.tasks.word_vectors import WINDOW

import keras_gallery as kg

DIM = 100
SKIPGRAM, CBOW = "word2vec_skipgram", "word2vec_cbow"


def by_gensim(model: str, epochs: int | None) -> Any:
    """Returns gensim's vectors of the words of the training sentences, with the settings of a model's recipe."""
    from gensim.models import Word2Vec

    dataset = kg.load_dataset("wikipedia")
    names = np.array(["", "", *dataset.texts["word"].names], object)
    sentences = [names[row[row > 1]].tolist() for row in dataset.x_train]  # without padding and unknown words
    settings = {"vector_size": DIM, "window": WINDOW, "negative": NEGATIVES, "sample": SAMPLE, "min_count": 1}
    epochs = epochs or load_recipe(model).epochs
    return Word2Vec(sentences, sg=int(model == SKIPGRAM), epochs=epochs, workers=1, seed=0, **settings).wv


def sources(epochs: int | None, runs: Path) -> Iterator[tuple[str, Any]]:
    """Yields the names of the vectors, and the vectors. The first ones are random."""
    yield "random", None
    for model in (SKIPGRAM, CBOW):
        yield model, kg.train(model, dim=DIM, epochs=epochs, runs=runs).folder
        yield f"gensim, {model.removeprefix('word2vec_')}", by_gensim(model, epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="number of trainings of each classifier (default: 3)")
    parser.add_argument("--epochs", type=int, help="epochs of the classifier (default: the recipe's)")
    parser.add_argument("--vector-epochs", type=int, help="epochs of the vectors (default: the recipe's)")
    values = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, vectors in sources(values.vector_epochs, Path(folder)):
            for freeze in (False, True):
                if vectors is None and freeze:
                    continue
                options = {"embedding_dim": DIM} if vectors is None else {"vectors": vectors, "freeze_vectors": freeze}
                found = [
                    kg.train(
                        "sequence_to_vector", recipe="reviews", epochs=values.epochs, seed=seed, runs=folder, **options
                    )
                    for seed in range(values.seeds)
                ]
                seeds = {"seeds": {str(seed): run.metrics for seed, run in enumerate(found)}}
                known = (found[0].config["vectors"] or {}).get("found", 0)
                how = "frozen" if freeze else "trained"
                spread = "   ".join(figure(seeds, *each) for each in (("accuracy", ".4f"), ("cross_entropy", ".3f")))
                print(f"{name:20} {how:8} {known:6,} words found   {spread}", flush=True)


if __name__ == "__main__":
    main()
