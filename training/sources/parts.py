"""Chooses the test examples and the validation examples of a user's own data."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import MOST_VALIDATION_EXAMPLES, VALIDATION_SHARE
from ..errors import BadData

Indices = NDArray[np.int64]
Way = Literal["random", "stratified", "group", "time"]

LEAST_EXAMPLES = 3  # one each for training, validation and test


def split_off(
    count: int, share: float, way: Way, keys: NDArray[Any] | None, seed: int, most: int | None = None
) -> tuple[Indices, Indices]:
    """Splits examples into two parts, and returns their indices in ascending order. Both parts have an example.

    Args:
        count: number of examples, at least 2.
        share: share of the examples in the second part. At least one example is in each part.
        way: `random`; `stratified`: both parts have the same share of each class, and each class is in the first part;
            `group`: all examples of a group are in the same part; `time`: the second part is the last examples.
        keys: class or group of each example `(count,)`, for `stratified` and `group`.
        seed: seed of the random numbers.
        most: largest number of examples in the second part.

    Raises:
        BadData: there is only one group.
    """
    rng = np.random.default_rng(seed)
    wanted = max(1, min(round(share * count), count - 1, count if most is None else most))
    if way == "time":
        second = np.arange(count - wanted, count)
    elif way == "group" and keys is not None:
        second = np.flatnonzero(np.isin(keys, _groups(keys, wanted, rng)))
    elif way == "stratified" and keys is not None:
        second = _stratified(keys, wanted, rng)
    else:
        second = rng.permutation(count)[:wanted]
    second = np.sort(second).astype(np.int64)
    return np.setdiff1d(np.arange(count), second), second


def _groups(keys: NDArray[Any], wanted: int, rng: np.random.Generator) -> NDArray[Any]:
    """Returns random groups that have at least `wanted` examples together, but not all groups."""
    names, counts = np.unique(keys, return_counts=True)
    if len(names) < 2:
        raise BadData(f"All examples are in the same group, {names[0]!s}: they cannot be split by group.")
    order = rng.permutation(len(names))
    chosen = int(np.searchsorted(np.cumsum(counts[order]), wanted)) + 1
    return np.asarray(names[order[: min(chosen, len(names) - 1)]])


def _stratified(keys: NDArray[Any], wanted: int, rng: np.random.Generator) -> Indices:
    """Returns `wanted` random indices, spread evenly over the classes. An example of each class is left out."""
    shuffled = rng.permutation(len(keys))
    order = shuffled[np.argsort(keys[shuffled], kind="stable")]  # by class, and random within a class
    is_first = np.append(True, keys[order][1:] != keys[order][:-1])
    free = order[~is_first]
    if not len(free):  # each class has a single example
        return np.asarray(order[:wanted])
    wanted = min(wanted, len(free))
    return np.asarray(free[((np.arange(wanted) + rng.random()) * len(free) / wanted).astype(np.int64)])


def validation_rows(count: int, way: Way, keys: NDArray[Any] | None, seed: int) -> Indices:
    """Returns the indices of the validation split of `count` training examples, chosen like the test examples.

    If all training examples are in one group, the validation split is random.
    """
    if way == "group" and keys is not None and len(np.unique(keys)) < 2:
        way = "random"
    return split_off(count, VALIDATION_SHARE, way, keys, seed, MOST_VALIDATION_EXAMPLES)[1]


def check_count(count: int, name: str) -> None:
    """Raises BadData if there are too few examples for a training, a validation and a test example."""
    if count < LEAST_EXAMPLES:
        raise BadData(f"{name} has {count} example{'' if count == 1 else 's'}. At least {LEAST_EXAMPLES} are needed.")
