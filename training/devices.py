"""Trains on all visible devices, if there are several. Needs Keras on JAX."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from .errors import BadData


@contextmanager
def all_devices() -> Iterator[None]:
    """Uses all visible devices for the models in the `with` block: each device computes a part of each batch.

    Does nothing if there is one device, on another backend than JAX, or if the program has set a distribution.
    """
    is_jax = keras.backend.backend() == "jax" and keras.distribution.distribution() is None
    if not is_jax or len(keras.distribution.list_devices()) < 2:
        yield
        return
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)


def device_count() -> int:
    """Returns the number of devices that share a batch."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else int(np.prod(distribution.device_mesh.shape))


class EvenBatches(keras.utils.PyDataset):
    """Batches that several devices can share: a batch is filled up with its first examples to a multiple of `devices`.

    Args:
        batches: the batches.
        devices: number of devices.
    """

    def __init__(self, batches: keras.utils.PyDataset, devices: int) -> None:
        super().__init__()
        self.batches = batches
        self.devices = devices

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return keras.tree.map_structure(self._filled, self.batches[index])

    def _filled(self, array: Any) -> Any:
        count = -(-len(array) // self.devices) * self.devices
        return np.take(array, np.arange(count), axis=0, mode="wrap")


def even(batches: Any, validation: Any) -> tuple[Any, Any, int]:
    """Returns training and validation data that the devices can share, and the number of devices.

    The validation data lose a few examples at the end if their number is not a multiple of the number of devices.

    Raises:
        BadData: the training data cannot be shared.
    """
    devices = device_count()
    if devices == 1:
        return batches, validation, 1
    if not isinstance(batches, keras.utils.PyDataset):
        raise BadData(
            f"Data of the class {type(batches).__name__} cannot be shared by {devices} devices. Use one device: "
            "JAX_PLATFORMS=cpu or CUDA_VISIBLE_DEVICES=0"
        )
    cut = keras.tree.map_structure(lambda array: array[: len(array) - len(array) % devices or None], validation)
    return EvenBatches(batches, devices), cut, devices
