"""Loads datasets by name. `datasets/<name>.py` has a function `load()` that returns a `Dataset`."""

from __future__ import annotations

import hashlib
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...models.errors import unknown_name
from ..errors import BadData, UnknownDataset
from .tokens import Tokens

VALIDATION_SHARE = 0.1
MOST_VALIDATION_EXAMPLES = 5_000


class Examples(NamedTuple):
    """The inputs and the targets of n examples. Both arrays have n rows."""

    x: NDArray[Any]
    y: NDArray[Any]


class Stream(Protocol):
    """Training examples that are read anew in each epoch, because they do not fit into memory."""

    def __len__(self) -> int:
        """Number of training examples, without the validation split."""

    @property
    def targets(self) -> NDArray[Any]:
        """Targets of the training examples."""

    def batches(self, batch_size: int, seed: int, pair: Callable[[Any, Any, Any], tuple[Any, Any]]) -> Any:
        """Returns the batches of a training. Their `dataset()` is a `tf.data.Dataset`; `len` is the number of batches.

        `pair` makes the inputs and targets of a batch from its examples, its labels and a random number generator.
        """

    def details(self) -> dict[str, Any]:
        """Returns facts about the examples for the run's config. They can change while a model trains."""


@dataclass(frozen=True)
class Dataset:
    """Examples, split into training and test examples.

    Attributes:
        name: name of the dataset.
        x_train: training inputs:
            images: float32 `(n, height, width, channels)` in [0, 1];
            features: float32 `(n, features)`;
            sequences: float32 `(n, time, features)`;
            texts or categories: int32 ids `(n, time)` (see `tokens.py`).
        y_train: training targets:
            classes: int64 `(n,)`;
            numbers: float32 `(n, values)`;
            classes of pixels: int64 `(n, height, width)`;
            tags of the tokens of texts: int64 `(n, time)`, −1 for padding;
            objects: float32 `(n, objects, 5)`. A row is the class, top, left, bottom and right of an object. The edges
            are fractions of the image's height and width. Unused rows have the class −1;
            next steps of a sequence: float32 `(n, steps, features)`;
            texts: int32 ids `(n, time)`.
        x_test: test inputs, in the format of `x_train`. They are not used in training.
        y_test: test targets, in the format of `y_train`.
        source: origin of the examples, and their licence.
        labels: names of the classes, or of the target values.
        texts: the vocabularies of the ids. The keys are `text` for input texts, `output` for target texts, and `word`
            for sentences of words. For categories, the keys are the names of the columns in order.
        parts: for target texts of the same form: the positions of the tokens that say something, by what they say.
        validation: indices of the training examples in the validation split. By default, a random tenth.
        preparation: how inputs are prepared for the model, for data of the user's own: values for JSON, with a `kind`:
            `pictures`, `table`, `series` or `texts`. It is saved with the run.
        notes: lines that say how data of the user's own were read.
        details: facts about data of the user's own for the run's config, such as numbers of examples.
        stream: the training examples, if they do not fit into memory; `x_train` is then a sample of them.
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    source: str
    labels: tuple[str, ...] = ()
    texts: Mapping[str, Tokens] = field(default_factory=dict)
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    validation: NDArray[np.int64] | None = None
    preparation: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] | None = None
    stream: Stream | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input: (height, width, channels), (features,), (time, features) or (time,)."""
        return self.x_train.shape[1:]


def list_datasets() -> list[str]:
    """Returns the names of the datasets in alphabetical order."""
    folder = Path(__file__).parents[1] / "datasets"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def check_name(name: str) -> None:
    """Raises UnknownDataset if no dataset has this name."""
    if name not in list_datasets():
        raise UnknownDataset(unknown_name("dataset", name, list_datasets()))


def load(name: str) -> Dataset:
    """Loads a dataset.

    Raises:
        UnknownDataset: no dataset has this name.
        DataUnavailable: files of the dataset are missing and cannot be downloaded.
        BadData: a file cannot be read, or the inputs are not images in [0, 1], finite features or ids.
    """
    check_name(name)
    source = importlib.import_module(f"...datasets.{name}", __name__)
    dataset: Dataset = source.load()
    for x, part in ((dataset.x_train, "training"), (dataset.x_test, "test")):
        if x.dtype == np.int32:
            check_ids(x, f"{name}'s {part} ids")
        elif x.ndim in (2, 3):
            check_features(x, f"{name}'s {part} features")
        else:
            check_images(x, f"{name}'s {part} images")
    return dataset


def checksum(*arrays: Any) -> str:
    """Returns a checksum of arrays, which says whether data have changed. Data that are not arrays are left out."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if isinstance(array, np.ndarray):
            found.update(f"{array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def check_images(images: NDArray[np.float32], what: str) -> None:
    """Raises `BadData` if `images` are not float32 `(n, height, width, channels)` with n > 0 and values in [0, 1]."""
    if images.ndim != 4 or images.dtype != np.float32 or not images.size:
        raise BadData(
            f"Expected {what} as float32 (n, height, width, channels). Received: {images.dtype} {images.shape}."
        )
    low, high = images.min(), images.max()  # NaN if any value is NaN
    if not (low >= 0 and high <= 1):
        raise BadData(f"Expected {what} in [0, 1]. Received: values from {low:g} to {high:g}.")


def check_features(features: NDArray[np.float32], what: str) -> None:
    """Raises `BadData` if `features` are not finite float32 `(n, features)` or `(n, time, features)` with n > 0."""
    if features.dtype != np.float32 or not features.size or not np.isfinite(features).all():
        raise BadData(f"Expected {what} as finite float32 (n, features). Received: {features.dtype} {features.shape}.")


def check_ids(ids: NDArray[np.int32], what: str) -> None:
    """Raises `BadData` if `ids` are not int32 `(n, time)` with n > 0 and values of at least 0."""
    if ids.ndim != 2 or not ids.size or ids.min() < 0:
        raise BadData(f"Expected {what} as int32 (n, time) with no value below 0. Received: {ids.dtype} {ids.shape}.")


def from_bytes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scales images from 0–255 to float32 in [0, 1]. Grey images `(n, height, width)` get a dimension for channels."""
    return (images if images.ndim == 4 else images[..., None]).astype(np.float32) / np.float32(255)


def hold_out(dataset: Dataset, seed: int) -> tuple[Examples, Examples]:
    """Splits the training examples into training and validation examples, and returns both.

    If the dataset does not say which examples are in the validation split, they are chosen at random: a tenth of the
    training examples, but at most 5,000 examples.
    """
    if dataset.validation is not None:
        held_out = dataset.validation
        training = np.setdiff1d(np.arange(len(dataset.x_train)), held_out)
    else:
        order = np.random.default_rng(seed).permutation(len(dataset.x_train))
        count = min(math.ceil(VALIDATION_SHARE * len(order)), MOST_VALIDATION_EXAMPLES)
        training, held_out = order[count:], order[:count]
    return (
        Examples(_rows(dataset.x_train, training), _rows(dataset.y_train, training)),
        Examples(_rows(dataset.x_train, held_out), _rows(dataset.y_train, held_out)),
    )


def _rows(array: NDArray[Any], indices: NDArray[np.int64]) -> NDArray[Any]:
    """Returns rows of an array: a view if the indices follow each other, otherwise a copy, which needs memory."""
    first = int(indices[0]) if len(indices) else 0
    if np.array_equal(indices, np.arange(first, first + len(indices))):
        return array[first : first + len(indices)]
    return array[indices]


def split(name: str, x: NDArray[np.float32], y: NDArray[np.int64], source: str, labels: tuple[str, ...]) -> Dataset:
    """Returns a dataset whose test examples are a random fifth of each class. The split is the same at each call."""
    train, test = stratified_split(y, test_share=0.2)
    return Dataset(name, x[train], y[train], x[test], y[test], source, labels)


def stratified_split(labels: NDArray[np.int64], test_share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits examples at random, with the same share of test examples in each class.

    Args:
        labels: class of each example, `(n,)`.
        test_share: share of the examples of each class that are test examples.

    Returns:
        The sorted indices of the training examples and of the test examples. They are the same at each call.
    """
    rng = np.random.default_rng(0)
    test: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        test.append(members[: round(test_share * len(members))])
    test_indices = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(labels)), test_indices), test_indices
