"""Generates inputs for a signature: the conversion compares the outputs of OpenVINO and TensorFlow on these inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...wire.signature import SignatureDef, TensorSpec
from ..base import Arrays

# Distributions of floating-point values.
FLOATS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "pixels": lambda rng, shape: rng.integers(0, 256, shape),
    "unit": lambda rng, shape: rng.random(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "hundreds": lambda rng, shape: 100 * rng.standard_normal(shape),
    "tiny": lambda rng, shape: 1e-20 * rng.standard_normal(shape),
    "denormal": lambda rng, shape: 1e-40 * rng.standard_normal(shape),
    "partly denormal": lambda rng, shape: 10 ** rng.uniform(-40, -36, shape) * rng.choice([-1, 1], shape),
}
# Ranges of integers.
INTEGERS: dict[str, tuple[float, float]] = {
    "small": (0, 2),
    "digits": (0, 10),
    "bytes": (0, 256),
    "signed": (-100, 100),
    "large": (-np.inf, np.inf),
}


class Inputs:
    """Generates inputs for a signature.

    Args:
        signature: the signature.
        size: size of each dynamic dimension, except the batch dimension.
        limits: by the name of an integer input: its values are from 0 to less than this number.
    """

    def __init__(self, signature: SignatureDef, size: int, limits: Mapping[str, int] | None = None) -> None:
        self._specs = signature.inputs
        self._size = size
        self._limits = limits or {}
        self.has_batch = any(spec.shape and spec.shape[0] < 0 for spec in self._specs.values())
        self.has_dynamic_sizes = any(size < 0 for spec in self._specs.values() for size in (spec.shape or ())[1:])

    def make(self, batch: int, floats: str = "normal", integers: str = "small", scale: float = 1.0) -> Arrays:
        """Returns an array for each input. The same arguments always give the same arrays.

        Args:
            batch: batch size.
            floats: distribution of floating-point values: a key of `FLOATS`.
            integers: range of integers: a key of `INTEGERS`.
            scale: factor for floating-point values.
        """
        rng = np.random.default_rng(batch)
        return {
            name: self._array(rng, spec, batch, floats, integers, scale, self._limits.get(name))
            for name, spec in self._specs.items()
        }

    def _array(
        self,
        rng: np.random.Generator,
        spec: TensorSpec,
        batch: int,
        floats: str,
        integers: str,
        scale: float,
        limit: int | None,
    ) -> Any:
        dynamic = (batch if at == 0 else self._size for at in range(len(spec.shape or ())))
        shape = tuple(new if size < 0 else size for size, new in zip(spec.shape or (), dynamic, strict=True))
        dtype = spec.dtype.numpy
        if dtype.kind == "f":
            return np.asarray(FLOATS[floats](rng, shape) * scale, dtype)
        if dtype.kind == "b":
            return np.asarray(rng.integers(0, 2, shape), dtype)
        if limit is not None:
            return np.asarray(rng.integers(0, limit, shape), dtype)
        info = np.iinfo(dtype)
        low, high = (int(max(min(each, info.max), info.min)) for each in INTEGERS[integers])
        array = np.asarray(rng.integers(low, high, shape, dtype, endpoint=integers == "large"))
        if integers == "large":
            array.flat[:2] = [info.max, info.min][: array.size]
        return array
