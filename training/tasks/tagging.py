"""The task of predicting a tag for each token of a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...preparation.splits import PADDING
from ..data.dataset import Dataset, Examples
from ..data.tokens import NO_TAG
from ..pictures import answers as answer_plots
from ..word_tables import WordTable
from .base import Task, Yardsticks, outputs_of
from .translation import TextBatches

SHOWN = 12
SIDE = 3  # number of tokens on each side of a token in the window of the linear baseline, as in NETtalk
LINEAR_TOKENS = 100_000  # largest number of training tokens for the linear baseline


class Tagging(Task):
    """The task `tag`: predicts the tag of each token of a text."""

    targets = "a tag for each token"
    word_table = WordTable("text", "embedding_dim", ("token_embedding",))

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        x, y = dataset.x_train, dataset.y_train
        return "text" in dataset.texts and "output" not in dataset.texts and y.dtype == np.int64 and x.shape == y.shape

    def hyperparameters(self) -> dict[str, Any]:
        sizes = {"tokens": self.dataset.texts["text"].size, "tags": len(self.dataset.labels)}
        return super().hyperparameters() | sizes

    def loss(self) -> dict[str, Any]:
        return {"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=NO_TAG)}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        return {"x": TagBatches(self.training, batch_size, seed, "ids")}

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics on the test examples. Padding does not count.

        `tag_accuracy`, the share of correct tags; `text_accuracy`, the share of texts whose tags are all correct; and
        `cross_entropy` of a tag in nats. `frequent_tag_accuracy` and `frequent_text_accuracy` are the accuracies of
        predicting, for each token, the tag that is most frequent for this token in the training examples.
        """
        probabilities, tags = outputs_of(model, self.dataset.x_test), self.dataset.y_test
        of_true = np.take_along_axis(probabilities, np.maximum(tags, 0)[..., None], axis=-1)[..., 0]
        losses = -np.log(np.maximum(of_true[tags != NO_TAG], np.finfo(np.float32).tiny))
        frequent = self.yardsticks["frequent_tags"][self.dataset.x_test]
        return {
            **accuracies(tags, probabilities.argmax(axis=-1)),
            "cross_entropy": float(losses.mean()),
            **accuracies(tags, frequent, "frequent_"),
        }

    def fit_yardsticks(self) -> Yardsticks:
        is_token = self.training.y != NO_TAG
        counts = np.zeros((self.dataset.texts["text"].size, len(self.dataset.labels)), np.int64)
        np.add.at(counts, (self.training.x[is_token], self.training.y[is_token]), 1)
        is_unseen = counts.sum(axis=1) == 0
        counts[is_unseen] = counts.sum(axis=0)  # for an unseen token, the most frequent of all tags
        return {"frequent_tags": counts.argmax(axis=1)}

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        shown = np.arange(len(self.dataset.x_test))[:: max(1, len(self.dataset.x_test) // SHOWN)][:SHOWN]
        x, tags = self.dataset.x_test[shown], self.dataset.y_test[shown]
        predicted = outputs_of(model, x).argmax(axis=-1)
        names = np.array(["", "[UNK]", *self.dataset.texts["text"].names], object)
        labels = np.array(self.dataset.labels, object)
        texts = [
            [(names[a], labels[b], labels[c]) for a, b, c in zip(*row, strict=True) if b != NO_TAG]
            for row in zip(x, tags, predicted, strict=True)
        ]
        answer_plots.tagged_texts(folder / "tags.png", f"{model.name}, {self.dataset.name}: test texts", texts)

    def measure(self, model: keras.Model, report: Callable[[str], None]) -> dict[str, Any]:
        """Returns `window_tag_accuracy` and `window_text_accuracy`, the test accuracies of a linear baseline.

        The baseline is a logistic regression on the token and on three tokens before and after it. It is trained on at
        most 100,000 training tokens.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        report("    a linear classifier on windows of tokens")
        linear = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(max_iter=300, tol=1e-3))
        is_token = self.training.y != NO_TAG
        linear.fit(windows(self.training.x)[is_token][:LINEAR_TOKENS], self.training.y[is_token][:LINEAR_TOKENS])
        tags = self.dataset.y_test
        predicted = np.full_like(tags, NO_TAG)
        predicted[tags != NO_TAG] = linear.predict(windows(self.dataset.x_test)[tags != NO_TAG])
        return accuracies(tags, predicted, "window_")


class TagBatches(TextBatches):
    """Batches of texts of about the same length, and their tags. See `TextBatches`."""

    def __init__(self, examples: Examples, batch_size: int, seed: int, source: str) -> None:
        super().__init__(Examples(examples.x, examples.x), batch_size, seed, source)
        self.tags = examples.y

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self.groups[index]
        width = (self.widths[chosen] if index else self.widths).max()
        return self.examples.x[chosen, :width], self.tags[chosen, :width]


def accuracies(tags: NDArray[np.int64], predicted: NDArray[np.int64], prefix: str = "") -> dict[str, float]:
    """Returns the share of correct tags, and of texts whose tags are all correct. Both arrays are `(n, time)`."""
    is_token = tags != NO_TAG
    is_correct = tags == predicted
    return {
        f"{prefix}tag_accuracy": float(is_correct[is_token].mean()),
        f"{prefix}text_accuracy": float((is_correct | ~is_token).all(axis=1).mean()),
    }


def windows(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Returns the window of each token, `(n, time, 2 · SIDE + 1)`, from ids `(n, time)`."""
    padded = np.pad(ids, ((0, 0), (SIDE, SIDE)), constant_values=PADDING)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * SIDE + 1, axis=1)
