"""Names the outputs of a model. Outputs that come from one layer get different names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import keras

from ..errors import FailedPrecondition


def output_names(model: keras.Model) -> list[str]:
    """Returns a different name for each output, in the order of `model.outputs`.

    If the model returns a dict, the names are the keys. Otherwise, the names are those of the layers that compute the
    outputs. As in Keras 2, further outputs of one layer get numbers: `lstm`, `lstm_1` and `lstm_2`.
    """
    structure = getattr(model, "output", None)
    if isinstance(structure, dict):
        places = keras.tree.pack_sequence_as(structure, list(range(len(model.outputs))))
        if not any(keras.tree.is_nested(place) for place in places.values()):
            return different([str(key) for key in sorted(places, key=places.__getitem__)])
    return different([output._keras_history.operation.name for output in model.outputs])


def by_name(model: keras.Model, results: Any) -> dict[str, Any]:
    """Returns the results of a call of the model by the names of its outputs.

    Raises FailedPrecondition if the number of results is not the model's number of outputs.
    """
    names, values = output_names(model), keras.tree.flatten(results)
    check_count("the model", values, names)
    return dict(zip(names, values, strict=True))


def check_count(what: str, received: Collection[Any], names: Sequence[str]) -> None:
    """Raises FailedPrecondition if `what` does not compute one output for each name."""
    if len(received) != len(names):
        raise FailedPrecondition(
            f"Expected {len(names)} outputs of {what}: {', '.join(names)}. Received: {len(received)} outputs"
        )


def different(names: Sequence[str]) -> list[str]:
    """Adds numbers to names that occur more than once, except to the first occurrence."""
    unique: dict[str, None] = {}
    numbers: dict[str, int] = {}  # the last number of each name
    for name in names:
        proposal = name
        while proposal in unique:
            numbers[name] = numbers.get(name, 0) + 1
            proposal = f"{name}_{numbers[name]}"
        unique[proposal] = None
    return list(unique)
