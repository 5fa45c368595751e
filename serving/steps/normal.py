"""Draws codes from a normal distribution.

The numbers are those of TensorFlow's `tf.random.stateless_normal(shape, [seed, 0], alg="philox")`:
John K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011 (Philox4x32 with ten rounds), and the method
of Box and Muller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...preparation.fields import Fields
from ..errors import InvalidArgument
from .base import DTYPES, Array, Arrays, Graphs, Step

_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_INCREMENTS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_SCRAMBLE = (0x3EC8F720, 0x02461E29)  # key with which TensorFlow makes a key and a counter from a seed
_ROUNDS = 10
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


@dataclass(frozen=True)
class NormalCodes(Step):
    """Adds codes drawn from N(0, 1). The same seed always gives the same codes.

    Attributes:
        seed: the array with the seed, an int64 scalar.
        count: the array with the number of codes, an int32 scalar.
        code: name of the new array (count, *shape).
        shape: of a code.
        dtype: of the new array.
        most: the largest number of codes.
    """

    kind = "normal codes 1"
    is_quick = False  # `count` decides how long this step and the decoder take
    seed: str
    count: str
    code: str
    shape: tuple[int, ...]
    dtype: str
    most: int

    @classmethod
    def read(cls, content: Fields) -> NormalCodes:
        return cls(
            content.string("seed"),
            content.string("count"),
            content.string("code"),
            tuple(content.integers("shape", least=1)),
            content.choice("dtype", DTYPES),
            content.integer("most", least=1),
        )

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        count = int(arrays[self.count])
        if not 1 <= count <= self.most:
            raise InvalidArgument(f"Expected a count from 1 to {self.most}. Received: {count}")
        numbers = normal(int(arrays[self.seed]), count * math.prod(self.shape))
        return {self.code: numbers.reshape(count, *self.shape).astype(self.dtype, copy=False)}


def normal(seed: int, count: int) -> Array:
    """Returns float32 numbers (count,) from N(0, 1). `seed` is an int64."""
    bits = np.uint64(seed % (1 << 64))
    halves = np.array([[bits & _LOW], [bits >> _SHIFT], [0], [0]], np.uint64)
    mixed = _philox(halves, _SCRAMBLE)[:, 0]
    counters = np.zeros((4, -(-count // 4)), np.uint64)
    counters[0] = np.arange(counters.shape[1], dtype=np.uint64)  # less than 2³²
    counters[2:] = mixed[2:, None]
    words = _philox(counters, (int(mixed[0]), int(mixed[1]))).T.reshape(-1, 2)
    uniform = (words & np.uint64(0x7FFFFF)).astype(np.float32) * np.float32(2**-23)  # in [0, 1)
    radius = np.sqrt(np.float32(-2) * np.log(np.maximum(uniform[:, 0], np.float32(1e-7))))
    angle = (2 * np.pi * uniform[:, 1].astype(np.float64)).astype(np.float32)
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], -1).ravel()[:count]


def _philox(counters: Array, key: tuple[int, int]) -> Array:
    """Returns four random words of 32 bits, in uint64 (4, n), for each counter (4, n)."""
    x0, x1, x2, x3 = counters
    k0, k1 = np.array(key, np.uint64)
    for _ in range(_ROUNDS):
        first, second = _MULTIPLIERS[0] * x0, _MULTIPLIERS[1] * x2
        x0, x1, x2, x3 = (second >> _SHIFT) ^ x1 ^ k0, second & _LOW, (first >> _SHIFT) ^ x3 ^ k1, first & _LOW
        k0, k1 = (k0 + _INCREMENTS[0]) & _LOW, (k1 + _INCREMENTS[1]) & _LOW
    return np.stack([x0, x1, x2, x3])
