"""The class `Endpoint`: a function to export as a signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...preparation.notes import Noted

PREDICT = "tensorflow/serving/predict"

Tensors = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A function to export.

    Attributes:
        function: takes tensors in the order of `inputs`, and returns a dict of tensors.
        inputs: a named `tf.TensorSpec` for each input. The first dimension is the batch, except for scalars.
        example: returns example inputs for a batch size. Checks and warm-up requests use them.
        method: method name of the signature in TensorFlow Serving. Predict requests can use any signature.
        tables: look-up tables that the function uses. The SavedModel must track them.
        pixels: range of the pixel values in images or image files, such as "0..255". None if there are no images, or
            if the range is not known.
        notes: by the name of an input, what the signature says about it.
        output_notes: by the name of an output, what the signature says about it.
        names: by the name of an input, its name in the signature, if it differs.
    """

    function: Callable[..., Tensors]
    inputs: list[Any]
    example: Callable[[int], Arrays]
    method: str = PREDICT
    tables: Sequence[Any] = field(default=(), kw_only=True)
    pixels: str | None = field(default=None, kw_only=True)
    notes: Mapping[str, Noted] = field(default_factory=dict, kw_only=True)
    output_notes: Mapping[str, Noted] = field(default_factory=dict, kw_only=True)
    names: Mapping[str, str] = field(default_factory=dict, kw_only=True)
