"""Checks that a file stores as many weights as its configuration declares.

Without this check, a configuration of one line could allocate terabytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ResourceExhausted
from ..reading.bounds import FREE_BYTES

if TYPE_CHECKING:
    import keras

# Maximum number of weights that a file can lack. These are the states of recurrent layers, and the states of random
# layers. Keras 2 does not write the states of random layers.
FREE_ELEMENTS = FREE_BYTES // 4


def check_weights(build: Callable[[], keras.Model], stored: int) -> keras.Model:
    """Builds a model without allocating its weights, and checks the number of weights.

    Args:
        build: builds the model, such as `lambda: keras.saving.deserialize_keras_object(config)`.
        stored: number of array elements in the file.

    Returns:
        The model. Its weights have shapes, but no values.

    Raises:
        ResourceExhausted: the model has more weights than the file stores.
        Exception: any error that `build` raises.
    """
    import keras

    try:
        with keras.StatelessScope(initialize_variables=False):
            model = build()
            needed = sum(math.prod(weight.shape) for weight in model.variables)
    finally:
        # Without this call, Keras would allocate the weights when the next StatelessScope ends.
        keras.utils.clear_session(free_memory=False)
    if needed > stored + FREE_ELEMENTS:
        raise ResourceExhausted(
            f"Expected a model of about {stored:,} weights, as many as the file stores. Received: {needed:,} weights"
        )
    return model


def elements(weights: Path) -> int:
    """Returns the number of array elements in an HDF5 file. Raises the same errors as `hdf5.open_checked`."""
    import h5py

    from ..reading import hdf5

    total = 0

    def count(_: str, node: object) -> None:
        nonlocal total
        total += node.size or 0 if isinstance(node, h5py.Dataset) else 0

    with hdf5.open_checked(weights) as file:
        file.visititems(count)
    return total
