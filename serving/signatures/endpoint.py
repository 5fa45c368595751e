"""The class `Endpoint`: a function to export as a signature, and the parts that the function consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...preparation.notes import Noted
from ..steps.base import Step

PREDICT = "tensorflow/serving/predict"

Tensors = dict[str, Any]
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a signature: a graph of the model, or a step that a server can also take without TensorFlow.

    Attributes:
        function: takes the tensors that `reads` names, and returns a dict of tensors.
        reads: names of inputs of the signature, or of outputs of the parts before.
        step: returns the step, from the steps of `inner`. None for a graph of the model.
        inner: the parts inside this part.
        specs: for a graph of the model: a named `tf.TensorSpec` for each input.
        limits: for a graph of the model: by the name of an input of ids, the number of ids. A step before checks them.
        tables: look-up tables that the function uses. The SavedModel must track them.
    """

    function: Callable[..., Tensors]
    reads: tuple[str, ...]
    step: Callable[..., Step] | None = None
    inner: tuple[Part, ...] = ()
    specs: tuple[Any, ...] = field(default=(), kw_only=True)
    limits: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    tables: Sequence[Any] = field(default=(), kw_only=True)


def graph_part(function: Callable[..., Tensors], *specs: Any, limits: Mapping[str, int] | None = None) -> Part:
    """Returns a part that is a graph of the model.

    Args:
        function: computes a dict of tensors from tensors.
        specs: a named `tf.TensorSpec` for each of these tensors.
        limits: by the name of an input of ids, the number of ids that the steps before let through.
    """
    return Part(function, tuple(each.name for each in specs), specs=specs, limits=limits or {})


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
        parts: what `function` consists of. By default, it is one graph of the model.
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
    parts: tuple[Part, ...] = field(default=(), kw_only=True)


def joined(parts: Sequence[Part], inputs: Sequence[Any], example: Callable[[int], Arrays], **options: Any) -> Endpoint:
    """Returns an endpoint that consists of parts, one after the other. Its outputs are those of the last part.

    Args:
        parts: the parts. Each reads the inputs and what the parts before have returned.
        inputs: see `Endpoint`.
        example: see `Endpoint`.
        options: further attributes of `Endpoint`.
    """

    def function(*values: Any) -> Tensors:
        return run_parts(parts, {spec.name: value for spec, value in zip(inputs, values, strict=True)})

    tables = [table for part in _all(parts) for table in part.tables]
    return Endpoint(function, list(inputs), example, tables=tables, parts=tuple(parts), **options)


def run_parts(parts: Sequence[Part], tensors: Tensors) -> Tensors:
    """Returns the outputs of the last part. `tensors` are the inputs by name."""
    tensors, outputs = dict(tensors), {}
    for part in parts:
        outputs = part.function(*(tensors[name] for name in part.reads))
        tensors |= outputs
    return outputs


def _all(parts: Sequence[Part]) -> list[Part]:
    return [found for part in parts for found in (part, *_all(part.inner))]
