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

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_INCREMENTS = np.array([[0x9E3779B9], [0xBB67AE85]], np.uint32)
_SCRAMBLE = (0x3EC8F720, 0x02461E29)  # key with which TensorFlow makes a key and a counter from a seed
_ROUNDS = np.arange(10, dtype=np.uint32)[:, None, None]


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
    low, high = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    mixed = _philox(np.array([[low], [high], [0], [0]], np.uint32), _SCRAMBLE)
    counters = np.zeros((4, -(-count // 4)), np.uint32)
    counters[0] = np.arange(counters.shape[1])  # less than 2³²
    counters[2:] = mixed[2:]
    words = _philox(counters, (int(mixed[0, 0]), int(mixed[1, 0]))).T.reshape(-1, 2)
    uniform = (words & np.uint32(0x7FFFFF)).astype(np.float32) * np.float32(2**-23)  # in [0, 1)
    radius = np.sqrt(np.float32(-2) * np.log(np.maximum(uniform[:, 0], np.float32(1e-7))))
    angle = (2 * np.pi * uniform[:, 1].astype(np.float64)).astype(np.float32)
    return np.stack([np.sin(angle) * radius, np.cos(angle) * radius], -1).ravel()[:count]


def _philox(counters: Array, key: tuple[int, int]) -> Array:
    """Returns four random words for each counter. Both are uint32 (4, n)."""
    x, y = counters[::2], counters[1::2]  # the words 0 and 2, and the words 1 and 3
    for each in np.array(key, np.uint32)[:, None] + _ROUNDS * _INCREMENTS:  # modulo 2³²
        product = np.multiply(_MULTIPLIERS, x, dtype=np.uint64)[::-1]
        x, y = (product >> np.uint64(32)).astype(np.uint32) ^ y ^ each, product.astype(np.uint32)
    return np.stack([x[0], y[0], x[1], y[1]])
