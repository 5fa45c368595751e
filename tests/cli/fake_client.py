"""A client that computes its answers without a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

Arrays = dict[str, Any]
FLOAT, INT = dtypes.BY_NUMBER[1], dtypes.BY_NUMBER[3]
TEXT = ((-1,), dtypes.STRING)


def signature(name: str, inputs: dict[str, tuple[Any, Any]], outputs: Sequence[str], pixels: str = "") -> SignatureDef:
    """Returns a signature with these inputs: the shape and the dtype by name."""
    specs = {key: TensorSpec(key, dtype, shape, pixels) for key, (shape, dtype) in inputs.items()}
    return SignatureDef(name, "", specs, {key: TensorSpec(key, FLOAT, None) for key in outputs})


class FakeClient:
    """A client of a server with one model.

    Args:
        signatures: the signatures of the model.
        answer: returns the outputs for the name of a signature and its inputs.
        latency: the seconds of a request.

    Attributes:
        sizes: the number of examples of each request.
        versions: the versions of the requests.
        most_in_flight: the most requests at the same time.
    """

    def __init__(
        self, signatures: Sequence[SignatureDef], answer: Callable[[str, Any], Arrays], latency: float = 0.0
    ) -> None:
        self._signatures, self._answer, self._latency = {each.name: each for each in signatures}, answer, latency
        self._in_flight, self._lock = 0, threading.Lock()
        self.sizes: list[int] = []
        self.versions: set[int | None] = set()
        self.most_in_flight = 0
        self.version = 3

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, SignatureDef]:
        return self._signatures

    def remember(self, model: str, signatures: dict[str, SignatureDef], *, version: int | None = None) -> None: ...

    def status(self, model: str) -> dict[int, str]:
        return {self.version: "AVAILABLE", 9: "LOADING"}

    def predict(self, model: str, inputs: Any, *, signature: str, version: int | None = None) -> Arrays:
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            time.sleep(self._latency)
            first = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
            self.sizes.append(len(first))
            self.versions.add(version)
            return {name: np.asarray(values) for name, values in self._answer(signature, inputs).items()}
        finally:
            with self._lock:
                self._in_flight -= 1
