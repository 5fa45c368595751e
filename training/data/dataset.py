"""Datasets by name. One source a file in `datasets/`, each with a `load()` that returns a `Dataset`."""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...models.errors import unknown_name
from ..errors import BadData, UnknownDataset
from .tokens import Tokens

VALIDATION_SHARE = 0.1
MOST_VALIDATION_EXAMPLES = 5_000


class Examples(NamedTuple):
    """Inputs and targets, as many of both."""

    x: NDArray[Any]
    y: NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """Examples, split for training and for testing.

    Attributes:
        name: the source's file name.
        x_train: images, float32 `(n, height, width, channels)` in [0, 1]; features, float32 `(n, features)`; sequences
            of them, float32 `(n, time, features)`; or texts or categories as ids, int32 `(n, time)` (see `tokens.py`).
        y_train: what is to be told of them: classes, int64 `(n,)`; values, float32 `(n, values)`; the class of each
            pixel, int64 `(n, height, width)`; objects, float32 `(n, objects, 5)`: class, top, left, bottom and right
            as fractions of the image's height and width, with the class −1 where an image has fewer; the next steps
            of a sequence, float32 `(n, steps, features)`; or a text as ids, int32 `(n, time)`.
        x_test: like `x_train`; no figure of a test example is used in training.
        y_test: like `y_train`.
        source: where the examples come from, and their licence.
        labels: the names of the classes, or of the values.
        texts: what the ids stand for. `text` and `output`: of a text that is read, and of one that is written; `word`:
            of words; else by the name of each column of categories, in order.
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    source: str
    labels: tuple[str, ...] = ()
    texts: Mapping[str, Tokens] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input: (height, width, channels), (features,), (time, features) or (time,)."""
        return self.x_train.shape[1:]


def list_datasets() -> list[str]:
    """The sources' names in alphabetical order."""
    folder = Path(__file__).parents[1] / "datasets"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> Dataset:
    """Loads a dataset.

    Raises:
        UnknownDataset: there is no source of that name.
        DataUnavailable: its files are not here and cannot be fetched.
        BadData: a file cannot be read, or holds other things than images in [0, 1], finite features or ids.
    """
    if name not in list_datasets():
        raise UnknownDataset(unknown_name("dataset", name, list_datasets()))
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


def check_images(images: NDArray[np.float32], what: str) -> None:
    """Raises `BadData` unless `images` are float32 `(n, height, width, channels)`, n > 0, all in [0, 1]."""
    if images.ndim != 4 or images.dtype != np.float32 or not images.size:
        raise BadData(
            f"Expected {what} as float32 (n, height, width, channels). Received: {images.dtype} {images.shape}."
        )
    low, high = images.min(), images.max()  # NaN if any value is
    if not (low >= 0 and high <= 1):
        raise BadData(f"Expected {what} in [0, 1]. Received: values from {low:g} to {high:g}.")


def check_features(features: NDArray[np.float32], what: str) -> None:
    """Raises `BadData` unless `features` are finite float32 `(n, features)` or `(n, time, features)`, n > 0."""
    if features.dtype != np.float32 or not features.size or not np.isfinite(features).all():
        raise BadData(f"Expected {what} as finite float32 (n, features). Received: {features.dtype} {features.shape}.")


def check_ids(ids: NDArray[np.int32], what: str) -> None:
    """Raises `BadData` unless `ids` are int32 `(n, time)`, n > 0, none below 0."""
    if ids.ndim != 2 or not ids.size or ids.min() < 0:
        raise BadData(f"Expected {what} as int32 (n, time) of at least 0. Received: {ids.dtype} {ids.shape}.")


def from_bytes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images `(n, height, width)` or `(n, height, width, channels)` of 0 to 255, as float32 in [0, 1] with channels."""
    return (images if images.ndim == 4 else images[..., None]).astype(np.float32) / np.float32(255)


def hold_out(dataset: Dataset, seed: int) -> tuple[Examples, Examples]:
    """Examples to learn from, and a tenth of the training examples, at most 5,000, to choose the best epoch by."""
    order = np.random.default_rng(seed).permutation(len(dataset.x_train))
    count = min(math.ceil(VALIDATION_SHARE * len(order)), MOST_VALIDATION_EXAMPLES)
    seen, held_out = order[count:], order[:count]
    return (
        Examples(dataset.x_train[seen], dataset.y_train[seen]),
        Examples(dataset.x_train[held_out], dataset.y_train[held_out]),
    )


def split(name: str, x: NDArray[np.float32], y: NDArray[np.int64], source: str, labels: tuple[str, ...]) -> Dataset:
    """A dataset that comes in one piece: a fifth of each class, always the same one, is for testing."""
    train, test = stratified_split(y, test_share=0.2)
    return Dataset(name, x[train], y[train], x[test], y[test], source, labels)


def stratified_split(labels: NDArray[np.int64], test_share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices for training and testing: the same share of each class, always the same ones, in order."""
    rng = np.random.default_rng(0)
    test: list[NDArray[np.int64]] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        test.append(members[: round(test_share * len(members))])
    chosen = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen
