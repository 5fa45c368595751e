"""Whether OpenVINO answers as TensorFlow does, on made-up inputs, and how much faster it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...wire.dtypes import DataType
from ...wire.signature import SignatureDef, TensorSpec
from ..base import Arrays

Run = Callable[[Arrays], Arrays]  # raises Refused
BATCHES = (2, 1, 7, 32)
LIMITS = (1e12, 1e6, 1e3)  # tried in this order: up to which magnitude both overflow alike
NARROW = (1e-5, 2e-6)  # tolerances, of a value and of the largest value in its tensor
WIDE = (1e-4, 1e-4)  # where numbers are so large that rounding shows
_SIZES = (8, 32, 1, 64, 224)  # tried for what a signature leaves open
_SECONDS, _TURNS = 0.1, 3  # for measuring, at least
_HOP_SECONDS = 5e-5  # what the way to the TensorFlow process costs


class Refused(Exception):
    """An engine does not answer this."""


class Different(Exception):
    """The reason why OpenVINO must not be chosen."""


class Verdict(NamedTuple):
    """What OpenVINO may be asked.

    Attributes:
        limit: up to which magnitude of floating-point values.
        least: from which size on of what the signature leaves open, the batch apart; TensorFlow refuses less.
        times_faster: how many times faster it is.
    """

    limit: float
    least: int
    times_faster: float


_FLOATS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "pixels": lambda rng, shape: rng.integers(0, 256, shape),
    "unit": lambda rng, shape: rng.random(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "hundreds": lambda rng, shape: 100 * rng.standard_normal(shape),
    "tiny": lambda rng, shape: 1e-20 * rng.standard_normal(shape),
    "denormal": lambda rng, shape: 1e-40 * rng.standard_normal(shape),
}
_INTEGERS: dict[str, tuple[float, float]] = {
    "small": (0, 2),
    "digits": (0, 10),
    "bytes": (0, 256),
    "signed": (-100, 100),
    "large": (-np.inf, np.inf),
}


class Inputs:
    """Makes inputs for a signature: `size` where it leaves a dimension open, other than the first."""

    def __init__(self, signature: SignatureDef, size: int) -> None:
        self._specs = signature.inputs
        self._size = size
        self.has_batch = any(spec.shape and spec.shape[0] < 0 for spec in self._specs.values())
        self.has_open_sizes = any(size < 0 for spec in self._specs.values() for size in (spec.shape or ())[1:])

    def make(self, batch: int, floats: str = "normal", integers: str = "small", scale: float = 1.0) -> Arrays:
        """Arrays of a kind each, always the same ones; `scale` is for floats."""
        rng = np.random.default_rng(batch)
        return {name: self._array(rng, spec, batch, floats, integers, scale) for name, spec in self._specs.items()}

    def _array(
        self, rng: np.random.Generator, spec: TensorSpec, batch: int, floats: str, integers: str, scale: float
    ) -> Any:
        open_sizes = (batch if at == 0 else self._size for at in range(len(spec.shape or ())))
        shape = tuple(made if size < 0 else size for size, made in zip(spec.shape or (), open_sizes, strict=True))
        dtype = spec.dtype.numpy
        if dtype.kind == "f":
            return np.asarray(_FLOATS[floats](rng, shape) * scale, dtype)
        if dtype.kind == "b":
            return np.asarray(rng.integers(0, 2, shape), dtype)
        info = np.iinfo(dtype)
        low, high = (int(max(min(each, info.max), info.min)) for each in _INTEGERS[integers])
        array = np.asarray(rng.integers(low, high, shape, dtype, endpoint=integers == "large"))
        if integers == "large":
            array.flat[:2] = [info.max, info.min][: array.size]
        return array


def compare(signature: SignatureDef, tensorflow: Run, openvino: Run) -> Verdict:
    """Compares all answers. Raises Different where OpenVINO answers otherwise, or is slower."""
    size = _usable_size(signature, tensorflow)
    inputs = Inputs(signature, size)
    check = _Check(signature, tensorflow, openvino)
    least = _least_size(signature, tensorflow, size) if inputs.has_open_sizes else 1
    for other in (least, least + 1, size + 1, 2 * size + 3) if inputs.has_open_sizes else ():
        check(Inputs(signature, other).make(2))
    for batch in BATCHES if inputs.has_batch else BATCHES[:1]:
        check(inputs.make(batch))
    kinds = {spec.dtype.numpy.kind for spec in signature.inputs.values()}
    for kind in _FLOATS if "f" in kinds else ():
        check(inputs.make(2, floats=kind), WIDE if kind in ("pixels", "hundreds") else NARROW)
    for kind in _INTEGERS if kinds & {"i", "u"} else ():
        check(inputs.make(2, integers=kind), NARROW if kind == "small" else WIDE)
    limit = next((scale for scale in LIMITS if check.overflows_alike(inputs.make(2, scale=scale))), None)
    if limit is None:
        raise Different("other answers for large values")
    return Verdict(limit, least, _times_faster(inputs, tensorflow, openvino))


def _usable_size(signature: SignatureDef, tensorflow: Run) -> int:
    for size in _SIZES:
        if _takes(signature, tensorflow, size):
            return size
    raise Different("TensorFlow refuses what was tried")


def _least_size(signature: SignatureDef, tensorflow: Run, most: int) -> int:
    """The size below which TensorFlow refuses a sequence, say, as too short; it is known to take `most`."""
    least = 1
    while least < most:
        middle = (least + most) // 2
        if _takes(signature, tensorflow, middle):
            most = middle
        else:
            least = middle + 1
    return least


def _takes(signature: SignatureDef, tensorflow: Run, size: int) -> bool:
    """Whether TensorFlow answers, as declared and with some values.

    A convolution over too short a sequence answers nothing on some processors and uninitialised memory on others.
    """
    try:
        found = tensorflow(Inputs(signature, size).make(BATCHES[0]))
    except Refused:
        return False
    return all(value.size and signature.outputs[name].accepts(value.shape) for name, value in found.items())


class _Check:
    """Raises Different where the answers of the two differ."""

    def __init__(self, signature: SignatureDef, tensorflow: Run, openvino: Run) -> None:
        self._dtypes: dict[str, DataType] = {name: spec.dtype for name, spec in signature.outputs.items()}
        self._tensorflow, self._openvino = tensorflow, openvino

    def __call__(self, inputs: Arrays, tolerance: tuple[float, float] = NARROW) -> None:
        for name, want, got in self._answers(inputs):
            if got.shape != want.shape or got.dtype != self._dtypes[name].numpy:
                raise Different(f"{name} has another shape or dtype")
            if not _is_close(got, want, *tolerance):
                raise Different(f"other values for {name}")

    def overflows_alike(self, inputs: Arrays) -> bool:
        """Whether NaN and infinities stand at the same places."""
        return all(np.array_equal(_kinds(got), _kinds(want)) for _, want, got in self._answers(inputs))

    def _answers(self, inputs: Arrays) -> Iterator[tuple[str, Any, Any]]:
        try:
            want = self._tensorflow(inputs)
        except Refused:
            try:
                self._openvino(inputs)
            except Refused:
                return
            raise Different("answers what TensorFlow refuses") from None
        try:
            got = self._openvino(inputs)
        except Refused:
            raise Different("fails") from None
        for name, value in want.items():
            yield name, value, got[name]


def _is_close(got: Any, want: Any, relative: float, absolute: float) -> bool:
    if want.dtype.kind != "f":
        return bool(np.array_equal(got, want))
    finite = np.isfinite(want)
    if not np.array_equal(_kinds(got), _kinds(want)):
        return False
    want, got = want[finite].astype(np.float64), got[finite]
    largest = np.abs(want).max(initial=0)
    return bool(np.all(np.abs(got - want) <= relative * np.abs(want) + absolute * largest))


def _kinds(array: Any) -> Any:
    """1, -1, 2, and 0 for infinity, negative infinity, NaN, and all else."""
    if array.dtype.kind != "f":
        return array
    return np.select([array == np.inf, array == -np.inf, np.isnan(array)], [1, -1, 2], 0)


def _times_faster(inputs: Inputs, tensorflow: Run, openvino: Run) -> float:
    """The geometric mean of how many times faster OpenVINO is on a batch of 1 and on one of 32."""
    batches = (1, 32) if inputs.has_batch else (1,)
    ratios = [_ratio(inputs.make(batch), tensorflow, openvino) for batch in batches]
    mean = float(np.exp(np.mean(np.log(ratios))))
    if mean < 1:
        raise Different(f"OpenVINO takes {1 / mean:.1f}x as long")
    return mean


def _ratio(inputs: Arrays, tensorflow: Run, openvino: Run) -> float:
    """TensorFlow's shortest time over OpenVINO's; they take turns, so that both meet the same machine."""
    shortest, end = {tensorflow: math.inf, openvino: math.inf}, time.perf_counter() + _SECONDS
    turns = 0
    while turns < _TURNS or time.perf_counter() < end:
        turns += 1
        for run in shortest:
            started = time.perf_counter()
            run(inputs)
            shortest[run] = min(shortest[run], time.perf_counter() - started)
    return (shortest[tensorflow] + _HOP_SECONDS) / shortest[openvino]
