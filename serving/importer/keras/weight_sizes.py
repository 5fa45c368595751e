"""Whether a file holds the weights that its configuration asks for: a line of JSON may ask for terabytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ResourceExhausted
from ...limits import FREE_UNPACKED_BYTES

if TYPE_CHECKING:
    import keras

# Weights that no file need hold: states of random layers, which Keras 2 does not write, or of recurrent ones.
FREE_ELEMENTS = FREE_UNPACKED_BYTES // 4


def check_weights(build: Callable[[], keras.Model], held: int) -> keras.Model:
    """Builds a model without memory for its weights, and counts them.

    Args:
        build: makes the model, such as `lambda: keras.saving.deserialize_keras_object(config)`.
        held: how many numbers the file holds.

    Returns:
        The model, whose layers can be looked at; it has no weights.

    Raises:
        ResourceExhausted: the model has more weights than the file holds.
        Exception: whatever `build` raises.
    """
    import keras

    try:
        with keras.StatelessScope(initialize_variables=False):
            model = build()
            wanted = sum(math.prod(weight.shape) for weight in model.variables)
    finally:
        keras.utils.clear_session(
            free_memory=False
        )  # else the weights would be made after all, when another such scope ends
    if wanted > held + FREE_ELEMENTS:
        raise ResourceExhausted(f"Expected a model with the {held:,} weights of its file. Received: {wanted:,} weights")
    return model


def elements(weights: Path) -> int:
    """How many numbers an HDF5 file holds. Raises as `hdf5.open_checked`."""
    import h5py

    from ..reading import hdf5

    found = 0

    def count(_: str, node: object) -> None:
        nonlocal found
        found += node.size or 0 if isinstance(node, h5py.Dataset) else 0

    with hdf5.open_checked(weights) as file:
        file.visititems(count)
    return found
