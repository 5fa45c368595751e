"""Compares the rebuilt model with the file's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import FailedPrecondition
from ..export.random_outputs import compare
from ..signatures.corrections import corrected
from ..signatures.find import plain
from ..signatures.outputs import check_count
from .reading import precision
from .reading.result import Arrays

BATCHES = (1, 7)


@corrected()
def difference(
    model: keras.Model, named: keras.Model, reference: Callable[[Arrays], Arrays], pixels: str | None = None
) -> float:
    """Returns the largest difference between the results of the model and of the file's own runtime.

    Random outputs, which differ between two runs of the model, are compared by their means.

    Args:
        model: the model with the inputs and outputs of the file.
        named: the model whose results are compared.
        reference: runs the file in its own runtime.
        pixels: the range of the pixel values in images, such as "0..255". None if it is not known.

    Raises FailedPrecondition if the difference is above the tolerance.
    """
    endpoint, worst = plain(model, 0, pixels), 0.0

    # A graph, because a server runs the model as a graph. Some layers of Keras compute something else without a graph.
    @tf.function(input_signature=endpoint.inputs, autograph=False)
    def outputs(*inputs: Any) -> list[Any]:
        results = named(keras.tree.pack_sequence_as(named.input, inputs), training=False)
        return list(keras.tree.flatten(results))

    tolerance = precision.of_model(model)
    for batch in BATCHES:
        inputs = endpoint.example(batch)

        def run(inputs: Arrays = inputs) -> tuple[Arrays, Arrays]:
            before = reference(inputs)
            new = outputs(*[inputs[spec.name] for spec in endpoint.inputs])
            check_count("the rebuilt model", new, list(before))
            return {name: np.asarray(each) for name, each in zip(before, new, strict=True)}, before

        for name, largest, problem in compare(*run(), tolerance, run):
            if problem:
                raise FailedPrecondition(
                    f"The rebuilt model differs from the file (tolerance {tolerance:g}): output {name} is {problem}"
                )
            worst = max(worst, largest)
    return worst
