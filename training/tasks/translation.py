"""The tasks of translating a text and of captioning an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...preparation.decoding import beam_search, greedy
from ...preparation.splits import END, PADDING, START
from ..data.batches import generator
from ..data.dataset import Dataset, Examples
from ..figures import metrics
from ..pictures import answers as answer_plots
from ..word_tables import WordTable
from .base import Task, Yardsticks

Ids = NDArray[np.int32]

# The widths of the texts in a batch are rounded up to multiples of STEPS (at most the widths in the dataset), so that
# there are few different shapes. Decoder inputs and targets have one id less.
STEPS = 4
CHUNK = 1_000  # number of texts that are predicted at once
SHOWN = 10


class Translation(Task):
    """The tasks `translate` and `caption`: predicts a text, token by token, from a text or an image."""

    targets = "texts to write"
    word_table = WordTable("text", "embedding_dim", ("encoder", "embedding"))

    @staticmethod
    def accepts(dataset: Dataset) -> bool:
        return "output" in dataset.texts

    def hyperparameters(self) -> dict[str, Any]:
        names = {"text": "tokens", "output": "output_tokens"}
        sizes = {names[role]: tokens.size for role, tokens in self.dataset.texts.items()}
        return super().hyperparameters() | sizes

    def loss(self) -> dict[str, Any]:
        return {"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=PADDING)}

    def batches(self, model: keras.Model, batch_size: int, seed: int) -> dict[str, Any]:
        return {"x": TextBatches(self.training, batch_size, seed, self._source)}

    def validation(self, model: keras.Model) -> tuple[Any, Any]:
        x, y = self.held_out
        return {self._source: x, "previous": y[:, :-1]}, y[:, 1:]

    @property
    def _source(self) -> str:
        """Name of the model's first input."""
        return "text" if "text" in self.dataset.texts else "image"

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """Returns the error rates of the predicted texts.

        `token_error` is the number of wrong, missing and superfluous tokens (phonemes or characters), divided by the
        number of true tokens. `text_error` is the fraction of texts with an error. If an input has several true texts,
        the predicted text is compared with the true text that gives the fewest errors.

        If the texts have parts, `<part>_error` is the fraction of texts in which a token of this part is wrong.

        `frequent_token_error` and `frequent_text_error` are the error rates of always writing the text that is most
        frequent in the training examples.
        """
        inputs, references = self._test_texts()
        texts = self._written(model, inputs, None)
        frequent = [_plain(self.yardsticks["text"])] * len(inputs)
        figures = dict(zip(("token_error", "text_error"), _error_rates(references, texts), strict=True))
        names = ("frequent_token_error", "frequent_text_error")
        figures |= dict(zip(names, _error_rates(references, frequent), strict=True))
        parts = self.dataset.parts.items()
        return figures | {f"{part}_error": _part_error(references, texts, at) for part, at in parts}

    def evaluate_beam(self, model: keras.Model, beam: int) -> dict[str, float]:
        """Returns the error rates of the texts that a beam search finds: `beam_token_error` and `beam_text_error`."""
        inputs, references = self._test_texts()
        errors = _error_rates(references, self._written(model, inputs, beam))
        return dict(zip(("beam_token_error", "beam_text_error"), errors, strict=True))

    def _written(self, model: keras.Model, inputs: NDArray[Any], beam: int | None) -> list[list[int]]:
        written = write(model, inputs, self.dataset.y_test.shape[1], beam)
        return [row[row != PADDING].tolist() for row in written]

    def _test_texts(self) -> tuple[NDArray[Any], list[list[list[int]]]]:
        """Returns the different test inputs, and the true texts of each."""
        true_texts: dict[bytes, list[list[int]]] = {}
        inputs: dict[bytes, Any] = {}
        for x, y in zip(self.dataset.x_test, self.dataset.y_test, strict=True):
            inputs[x.tobytes()] = x
            true_texts.setdefault(x.tobytes(), []).append(_plain(y))
        return np.stack(list(inputs.values())), list(true_texts.values())

    def fit_yardsticks(self) -> Yardsticks:
        texts, counts = np.unique(self.training.y, axis=0, return_counts=True)
        return {"text": texts[counts.argmax()]}

    def draw_examples(self, folder: Path, model: keras.Model) -> None:
        data, title = self.dataset, f"{model.name}, {self.dataset.name}"
        if self._source == "image":
            images = data.x_test[:: max(1, len(data.x_test) // SHOWN)][:SHOWN]
            words = data.texts["output"].texts(write(model, images, data.y_test.shape[1]))
            answer_plots.labelled_images(folder / "captions.png", f"{title}: test images", images, words)


def _plain(ids: Ids) -> list[int]:
    """Returns the ids of a text without padding and marks."""
    return ids[(ids != PADDING) & (ids != START) & (ids != END)].tolist()  # type: ignore[no-any-return]


def _error_rates(references: list[list[list[int]]], texts: list[list[int]]) -> tuple[float, float]:
    """Returns the error rates of tokens and of texts. Each text is compared with the nearest of its true texts."""
    errors = tokens = wrong = 0
    for true_texts, text in zip(references, texts, strict=True):
        distance, length = min((metrics.edits(each, text), len(each)) for each in true_texts)
        errors, tokens, wrong = errors + distance, tokens + length, wrong + (distance > 0)
    return errors / max(tokens, 1), wrong / len(texts)


def _part_error(references: list[list[list[int]]], texts: list[list[int]], positions: Sequence[int]) -> float:
    """Returns the fraction of texts that have another token than each of their true texts at one of the positions."""

    def part(text: list[int]) -> list[int]:
        return [text[at] if at < len(text) else PADDING for at in positions]

    pairs = zip(references, texts, strict=True)
    return float(np.mean([part(text) not in map(part, true_texts) for true_texts, text in pairs]))


class TextBatches(keras.utils.PyDataset):
    """Batches of texts of about the same length, which need little padding. Each epoch has a new random order.

    Args:
        examples: the inputs are ids `(n, time)` or images. The targets are the ids of the true texts, `(n, steps)`.
        batch_size: number of examples in a batch.
        seed: seed of the order.
        source: name of the model's first input.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int, source: str) -> None:
        super().__init__()
        self.examples = examples
        self.batch_size = batch_size
        self.source = source
        self.seed = seed
        lengths = [
            (each > PADDING).sum(axis=1) for each in examples if each.ndim == 2
        ]  # number of ids of the input and output texts
        self.widths = np.ceil(np.stack(lengths, axis=1) / STEPS).astype(np.int64) * STEPS
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Sets the batches of an epoch, which depend only on the seed and on the number of the epoch, from 0."""
        rng = generator(self.seed, epoch)
        order = rng.permutation(len(self.widths))
        order = order[np.lexsort(self.widths[order].T)]  # stable sort: equal lengths stay in random order
        groups = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        rng.shuffle(groups)
        # If a dimension is the same in the first two batches, Keras on TensorFlow assumes that it is the same in all
        # batches. So the first batch has the largest size (see `__getitem__`), and the second batch has the smallest.
        shortest = min(range(len(groups)), key=lambda index: self._width(groups[index]).sum())
        groups.insert(min(1, len(groups) - 1), groups.pop(shortest))
        self.groups = groups

    def _width(self, group: Any) -> NDArray[np.int64]:
        return np.asarray(self.widths[group].max(axis=0))

    def __len__(self) -> int:
        return math.ceil(len(self.widths) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self.groups[index]
        *input_width, output_width = self._width(chosen) if index else self.widths.max(axis=0)
        x, y = self.examples.x[chosen], self.examples.y[chosen, :output_width]
        return {self.source: x[:, : input_width[0]] if input_width else x, "previous": y[:, :-1]}, y[:, 1:]


def write(model: keras.Model, source: NDArray[Any], length: int, beam: int | None = None) -> Ids:
    """Predicts a text for each input: see `preparation/decoding.py`.

    Args:
        model: a model with sub-models `encoder` and `decoder` (see `models/recurrent/encoder_decoder.py`).
        source: inputs of the encoder: ids `(n, time)` or images.
        length: largest number of steps.
        beam: number of texts that a beam search keeps at each step, of which the best one is returned. By default, each
            step selects the most probable token.

    Returns:
        Ids `(n, length)` without the start token. The ids are 0 from the end token on.
    """
    size = max(1, CHUNK // (beam or 1))
    written = np.zeros((len(source), length), np.int32)
    for start in range(0, len(source), size):
        ids = _write(model, source[start : start + size], length, beam)
        written[start : start + size, : ids.shape[1]] = ids
    return written


def _write(model: keras.Model, source: NDArray[Any], length: int, beam: int | None) -> Ids:
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")

    def decode(previous: Ids, states: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], Sequence[NDArray[Any]]]:
        p, *states = decoder.predict_on_batch([previous, *states])
        return p[:, 0], states

    outputs = encoder.predict_on_batch(source)
    states = outputs if isinstance(outputs, list) else [outputs]
    if beam is None:
        return greedy(decode, states, len(source), length)
    return beam_search(decode, states, len(source), length, beam)[0][:, 0]
