"""Compares the outputs of a served model with the outputs of the Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from keras_gallery.serving.client import Client
from keras_gallery.serving.export.comparing import difference, too_far
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.wire.signature import DEFAULT_SIGNATURE

from .models import Arrays, Prepared

TOLERANCE = 1e-4
RANDOM_TOLERANCE = 0.5  # difference between the means of random outputs


def compared(client: Client, name: str, version: Path, prepared: Prepared) -> dict[str, Any]:
    """Returns {"difference": ...} or {"wrong": ...} for a served model."""
    signature, worst = read_signatures(version)[DEFAULT_SIGNATURE], 0.0
    for inputs, expected in prepared.samples:
        if len(inputs) == 1:
            inputs = dict(zip(signature.inputs, inputs.values(), strict=True))
        elif inputs.keys() != set(signature.inputs):
            return {"wrong": f"the inputs are named {', '.join(signature.inputs)} instead of {', '.join(inputs)}"}
        results = client.predict(name, inputs, signature=DEFAULT_SIGNATURE)
        outputs = expected if isinstance(expected, Mapping) else dict(enumerate(expected))
        if len(results) != len(outputs):
            return {"wrong": f"the number of outputs is {len(results)} instead of {len(outputs)}"}
        for output, value in outputs.items():
            if prepared.case.random:
                off = _random_difference(_closest(results, value), value)
            else:
                off = difference(_find(results, output, value, prepared), value)
            if problem := too_far(off, RANDOM_TOLERANCE if prepared.case.random else TOLERANCE):
                return {"wrong": f"output {output} is {problem}"}
            worst = max(worst, float(off))
    return {"difference": worst}


def _find(results: Arrays, output: Any, value: Any, prepared: Prepared) -> Any:
    """Returns the served output: the only one, the one of the same name, or else the most similar one."""
    if len(results) == 1:
        return next(iter(results.values()))
    if output in results:
        return results[output]
    if set(results) == set(prepared.names) and len(prepared.names) == len(results):
        return results[prepared.names[output]]
    return _closest(results, value)


def _closest(results: Arrays, value: Any) -> Any:
    offs = {key: difference(each, value) for key, each in results.items()}
    return results[min(offs, key=lambda key: np.inf if isinstance(offs[key], str) else float(offs[key]))]


def _random_difference(got: Any, want: Any) -> float | str:
    """Returns the difference between the means, or a description if the shapes differ."""
    if got.shape != want.shape:
        return f"of shape {got.shape}"
    return abs(float(np.mean(got)) - float(np.mean(want)))
