"""Compares the values of a request with the values that the model was trained on.

Signatures state the range of the pixel values of images, and after training on a user's own data also the range of each
column of a table or a series.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...preparation.description import CategoryColumn, NumberColumn, Series, Table
from ..errors import InvalidArgument
from ..steps.columns import unknown_category
from ..wire import tensor
from ..wire.signature import SignatureDef
from .transports import Array

IMAGE = "image"  # the name of the input of signatures for images (see serving/signatures/base.py)
MAX_SHOWN = 5  # columns in a warning
LENGTH = "length"  # the name of the input with the lengths of padded sequences
# The ranges of pixel values, with the remedy for other values.
REMEDIES = {
    "0..255": "Multiply values in [0, 1] by 255.",
    "0..1": "Divide 8-bit pixels by 255.",
    "-1..1": "Divide 8-bit pixels by 127.5, and subtract 1.",
}


def check_values(arrays: Mapping[str, Array], definition: SignatureDef, signatures: Iterable[str]) -> None:
    """Refuses 8-bit pixels if the signature states a smaller range, and categories that the model does not take.

    Warns of numbers outside the range of the training examples, and of categories that were not in them.

    Args:
        arrays: the inputs of the request.
        definition: the signature.
        signatures: the names of all signatures of the model.

    Raises:
        InvalidArgument: the images have no negative value and values far above the range that the signature states, or
            the model does not take a category.
    """
    outside: list[str] = []
    if IMAGE in arrays:
        _check_pixels(arrays[IMAGE], definition, signatures)
    for name, array in arrays.items():
        noted = definition.inputs[name].noted if name in definition.inputs else None
        if isinstance(noted, CategoryColumn) and noted.is_whole and array.dtype == object:
            _check_categories(array, noted)
        if noted is None or not array.size or array.dtype.kind not in "iuf":
            continue
        if isinstance(noted, Series) and array.ndim == 3 and LENGTH in arrays:
            array = array[np.arange(array.shape[1]) < np.reshape(arrays[LENGTH], (-1, 1))]
        for column, place in _places(noted):
            if column.least is not None and column.most is not None and place < (array.shape or (1,))[-1]:
                values = array if isinstance(noted, NumberColumn) else array[..., place]
                outside += _outside(column.name, values, column.least, column.most)
    if outside:
        columns = "; ".join(outside[:MAX_SHOWN]) + (" and other columns" if len(outside) > MAX_SHOWN else "")
        warnings.warn(f"Values outside the range of the training examples: {columns}.", stacklevel=3)


def _check_categories(values: Array, column: CategoryColumn) -> None:
    """Refuses unknown categories, or warns of them if the model takes them."""
    known = {name.encode() for name in column.names}
    missing = (column.missing or "").encode()  # what an empty text stands for
    texts = (each for each in values.ravel().tolist() if isinstance(each, bytes | str))
    given = (tensor.as_bytes(each).strip() or missing for each in texts)
    unknown = next((each for each in given if each not in known), None)
    if unknown is None:
        return
    message = unknown_category(column, unknown)
    if not column.takes_others:
        raise InvalidArgument(message)
    warnings.warn(f"{message}. The model treats it as an unknown category, for which it was not trained.", stacklevel=4)


def _check_pixels(images: Array, definition: SignatureDef, signatures: Iterable[str]) -> None:
    """Refuses images that are probably 8-bit pixels, and warns of other images far outside the range.

    Noise may leave the range by its width. For 0 to 255, warns if all values are at most 1. If the signature states no
    range, warns of values far outside [0, 1], provided that the model has signatures for image files.
    """
    if images.dtype.kind != "f" or not images.size:
        return
    low, high = images.min(), images.max()
    stated = definition.inputs[IMAGE].pixels if IMAGE in definition.inputs else ""
    pixels = stated or ("0..1" if any(name.endswith("_png") for name in signatures) else "")
    if pixels not in REMEDIES:
        return
    least, most = map(int, pixels.split(".."))
    is_above = high > 2 * most - least
    is_dark = pixels == "0..255" and 0 < high <= 1
    if is_dark or is_above or low < 2 * least - most:
        remedy = "Divide 16-bit pixels by 257." if is_above and pixels == "0..255" else REMEDIES[pixels]
        message = (
            f"Expected images with values in [{least}, {most}]. Received: values from {low:g} to {high:g}. {remedy}"
        )
        if is_above and low >= 0 and stated:
            raise InvalidArgument(message)
        warnings.warn(message, stacklevel=4)


def _places(noted: Any) -> Iterator[tuple[Any, int]]:
    """Yields the columns of numbers, with their places in the last dimension of the input."""
    if isinstance(noted, NumberColumn):
        yield noted, 0
    elif isinstance(noted, Series):
        yield from ((column, place) for place, column in enumerate(noted.columns))
    elif isinstance(noted, Table):
        place = 0
        for column in noted.columns:
            if isinstance(column, NumberColumn):
                yield column, place
            elif not column.is_whole:
                return  # the places of the next columns are not known
            place += len(column.names) if isinstance(column, CategoryColumn) else 1


def _outside(name: str, values: Array, least: float, most: float) -> list[str]:
    """Returns a description of values outside the range, or an empty list."""
    # The values of a request are float32, and the ends of the range may be rounded.
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    margin = 1e-6 * max(abs(least), abs(most))
    if low >= least - margin and high <= most + margin:
        return []
    return [f"{name} from {low:g} to {high:g} (trained: {least:g} to {most:g})"]
