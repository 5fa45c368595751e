"""Texts to be written, for a text or for an image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..best_weights import BestWeights
from ..data.dataset import Dataset, Examples
from ..data.tokens import END, PADDING, START
from ..figures import metrics
from ..pictures import answers as answer_plots
from ..pictures import plots
from .base import Task

Ids = NDArray[np.int32]

STEPS = 4  # lengths of batches are multiples of it, so that there are few shapes
CHUNK = 1_000  # examples that are answered at once
SHOWN = 10


class Translation(Task):
    """`translate` and `caption`: a text, token by token, for a text or an image."""

    targets = "texts to write"

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return "output" in dataset.texts

    def hyperparameters(self) -> dict[str, Any]:
        sizes = {"text": "tokens", "output": "output_tokens"}
        found = {sizes[role]: tokens.size for role, tokens in self.dataset.texts.items()}
        return super().hyperparameters() | found

    def loss(self) -> dict[str, Any]:
        return {"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=PADDING)}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        return {"x": TextBatches(self.training, batch_size, seed, self._source)}

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        x, y = self.held_out
        return {self._source: x, "previous": y[:, :-1]}, y[:, 1:]

    @property
    def _source(self) -> str:
        """The name of the model's first input."""
        return "text" if "text" in self.dataset.texts else "image"

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """`token_error` and `text_error`: phonemes or characters that are wrong, missing or too many, as a share of
        the true ones; and the share of texts that are not right in all. Where an input has several true texts, the
        nearest counts.
        """
        wanted: dict[bytes, list[list[int]]] = {}
        rows: dict[bytes, Any] = {}
        for x, y in zip(self.dataset.x_test, self.dataset.y_test, strict=True):
            rows[x.tobytes()] = x
            wanted.setdefault(x.tobytes(), []).append(y[(y != PADDING) & (y != START) & (y != END)].tolist())
        told = write(model, np.stack(list(rows.values())), self.dataset.y_test.shape[1])
        errors = tokens = wrong = 0
        for true, answer in zip(wanted.values(), told, strict=True):
            answer = answer[answer != PADDING].tolist()
            distance, length = min((metrics.edits(each, answer), len(each)) for each in true)
            errors, tokens, wrong = errors + distance, tokens + length, wrong + (distance > 0)
        return {"token_error": errors / tokens, "text_error": wrong / len(told)}

    def draw(self, folder: Path, model: keras.Model, best: BestWeights) -> None:
        data, title = self.dataset, f"{model.name}, {self.dataset.name}"
        plots.learning_curve(folder / "learning_curve.png", title, best.history, best.epoch)
        if self._source == "image":
            images = data.x_test[:: max(1, len(data.x_test) // SHOWN)][:SHOWN]
            words = data.texts["output"].texts(write(model, images, data.y_test.shape[1]))
            answer_plots.labelled_images(folder / "captions.png", f"{title}: test images", images, words)


class TextBatches(keras.utils.PyDataset):
    """Batches of texts of about the same length, in an order of their own in each epoch, with little padding.

    Args:
        examples: ids `(n, time)` or images; and ids of the texts to write `(n, steps)`.
        batch_size: examples a step.
        seed: of the order.
        source: the name of the model's first input.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int, source: str) -> None:
        super().__init__()
        self.examples = examples
        self.batch_size = batch_size
        self.source = source
        self.rng = np.random.default_rng(seed)
        lengths = [(each > PADDING).sum(axis=1) for each in examples if each.ndim == 2]  # of what is read, and written
        self.widths = np.ceil(np.stack(lengths, axis=1) / STEPS).astype(np.int64) * STEPS
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        order = self.rng.permutation(len(self.widths))
        order = order[np.lexsort(self.widths[order].T)]  # stable: equal lengths stay in random order
        groups = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        self.rng.shuffle(groups)
        # Keras on TensorFlow takes the sizes in which the first two batches agree for those of all: see `__getitem__`.
        shortest = min(range(len(groups)), key=lambda index: self._width(groups[index]).sum())
        groups.insert(min(1, len(groups) - 1), groups.pop(shortest))
        self.groups = groups

    def _width(self, group: Any) -> NDArray[np.int64]:
        return np.asarray(self.widths[group].max(axis=0))

    def __len__(self) -> int:
        return math.ceil(len(self.widths) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self.groups[index]
        *read, written = self._width(chosen) if index else self.widths.max(axis=0)
        x, y = self.examples.x[chosen], self.examples.y[chosen, :written]
        return {self.source: x[:, : read[0]] if read else x, "previous": y[:, :-1]}, y[:, 1:]


def write(model: keras.Model, source: NDArray[Any], length: int) -> Ids:
    """What a model writes, the likeliest token at each step: ids (n, steps) without the start, 0 from the end on.

    Args:
        model: with sub-models `encoder` and `decoder` (see `models/recurrent/encoder_decoder.py`).
        source: ids or images, as the encoder takes them.
        length: steps, at most.
    """
    parts = [_write(model, source[start : start + CHUNK], length) for start in range(0, len(source), CHUNK)]
    return np.concatenate(parts)


def _write(model: keras.Model, source: NDArray[Any], length: int) -> Ids:
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    found = encoder.predict_on_batch(source)
    states = found if isinstance(found, list) else [found]
    written = np.zeros((len(source), length), np.int32)
    last = np.full(len(source), START, np.int32)
    for step in range(length):
        p, *states = decoder.predict_on_batch([last[:, None], *states])
        ended = (last == END) | (last == PADDING)
        last = np.where(ended, PADDING, p[:, 0].argmax(-1)).astype(np.int32)
        written[:, step] = np.where(last == END, PADDING, last)
        if (last == PADDING).all():
            break
    return written
