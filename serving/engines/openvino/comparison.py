"""Compares the outputs of OpenVINO and TensorFlow on generated inputs, and measures which engine is faster."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...wire.dtypes import DataType
from ...wire.signature import SignatureDef
from ..base import MAX_JOINED_BYTES, MAX_JOINED_ROWS, Arrays, bytes_of
from .generated_inputs import FLOATS, INTEGERS, Inputs

Run = Callable[[Arrays], Arrays]  # raises RunFailed
Make = Callable[[int], Inputs]  # from the size of the dynamic dimensions
BATCHES = (2, 1, 7, 32)
LIMITS = (1e12, 1e6, 1e3)  # input magnitudes to try, in this order, until both engines overflow at the same positions
NARROW = (1e-5, 2e-6)  # tolerances: relative to the value, and relative to the largest value in the value's tensor
JOINED = (2, 5, 16, MAX_JOINED_ROWS)  # batch sizes whose outputs are compared with the outputs of their rows alone
ROWS_TOLERANCE = 1e-6  # relative to the largest value in the output; rounding alone causes differences of this order
WIDE = (1e-4, 1e-4)  # tolerances, as in NARROW, for inputs so large that rounding errors matter
_NEGLIGIBLE = 1e-34  # differences that arise because both engines treat numbers below 1.2e-38 as zero in some places
_SIZES = (8, 32, 1, 64, 224)  # sizes to try for dynamic dimensions
_RUN_SECONDS = 0.25  # longest time for a batch of several examples in both engines, if the model is slow
_SECONDS, _ROUNDS, _MOST_ROUNDS = 0.1, 3, 100  # a measurement lasts 0.1 s, but has at least 3 and at most 100 rounds
_CLEAR, _CLEAR_ROUNDS = 2.0, 10  # it ends earlier, after 10 rounds, if one engine takes more than twice as long
_IPC_SECONDS = 5e-5  # cost of sending a request to the TensorFlow process


class RunFailed(Exception):
    """The engine raised an error for these inputs."""


class Rejected(Exception):
    """OpenVINO must not run this signature. The message is the reason."""


class Verdict(NamedTuple):
    """Limits for the requests that OpenVINO runs, and OpenVINO's speed.

    Attributes:
        limit: largest magnitude of floating-point inputs.
        least: smallest size of each dynamic dimension other than the batch dimension. TensorFlow rejects smaller sizes.
        times_faster: TensorFlow's time divided by OpenVINO's.
        independent_rows: whether a batch has the same outputs as its rows alone.
    """

    limit: float
    least: int
    times_faster: float
    independent_rows: bool


def compare(
    signature: SignatureDef, tensorflow: Run, openvino: Run, limits: Mapping[str, int] | None = None
) -> Verdict:
    """Compares the engines for different batch sizes, dynamic sizes and values.

    Args:
        signature: the signature.
        tensorflow: runs it in TensorFlow.
        openvino: runs it in OpenVINO.
        limits: by the name of an integer input: its values are from 0 to less than this number.

    Raises:
        Rejected: OpenVINO's outputs differ, or OpenVINO fails.
    """
    make = functools.partial(Inputs, signature, limits=limits)
    size = _usable_size(signature, tensorflow, make)
    inputs = make(size)
    check = Check(signature, tensorflow, openvino)
    least = _least_size(signature, tensorflow, make, size) if inputs.has_dynamic_sizes else 1
    for other in (least, least + 1, size + 1, 2 * size + 3) if inputs.has_dynamic_sizes else ():
        check(make(other).make(2))
    check(inputs.make(BATCHES[0]))
    most = _largest_batch(check, inputs)
    for batch in BATCHES[2:] if inputs.has_batch else ():
        if batch <= most:
            check(inputs.make(batch))
    times_faster = _times_faster(inputs, most, tensorflow, openvino)
    few = min(most - 1, 2)  # a slow model runs one example for each kind of value
    kinds = {spec.dtype.numpy.kind for spec in signature.inputs.values()}
    for floats in FLOATS if "f" in kinds else ():
        check(inputs.make(few, floats=floats), WIDE if floats in ("pixels", "hundreds") else NARROW)
    for integers in INTEGERS if kinds & {"i", "u"} and not limits else ():
        check(inputs.make(few, integers=integers), NARROW if integers == "small" else WIDE)
    limit = next((scale for scale in LIMITS if check.overflows_alike(inputs.make(few, scale=scale))), None)
    if limit is None:
        raise Rejected("different overflow for large values")
    return Verdict(limit, least, times_faster, has_independent_rows(inputs, openvino))


def _largest_batch(check: Check, inputs: Inputs) -> int:
    """Returns a batch size from 2 to 32 that both engines run in about `_RUN_SECONDS`.

    The comparison uses no larger batches. Otherwise it would take minutes for a large model.
    """
    example, seconds = inputs.make(BATCHES[1]), math.inf
    for _ in range(2):  # the first run with a new shape takes longer
        started = time.perf_counter()
        check(example)
        seconds = min(seconds, time.perf_counter() - started)
    return max(2, min(max(BATCHES), int(_RUN_SECONDS / seconds)))


def _usable_size(signature: SignatureDef, tensorflow: Run, make: Make) -> int:
    for size in _SIZES:
        if _accepts(signature, tensorflow, make(size)):
            return size
    raise Rejected("TensorFlow fails for all sizes tried")


def _least_size(signature: SignatureDef, tensorflow: Run, make: Make, most: int) -> int:
    """Returns the smallest size of dynamic dimensions that TensorFlow accepts. TensorFlow must accept `most`."""
    least = 1
    while least < most:
        middle = (least + most) // 2
        if _accepts(signature, tensorflow, make(middle)):
            most = middle
        else:
            least = middle + 1
    return least


def _accepts(signature: SignatureDef, tensorflow: Run, inputs: Inputs) -> bool:
    """Returns whether TensorFlow accepts the inputs: the outputs have the declared shapes and are not empty.

    A convolution over a sequence that is too short returns an empty tensor on some processors, and uninitialised memory
    on others.
    """
    try:
        outputs = tensorflow(inputs.make(BATCHES[0]))
    except RunFailed:
        return False
    return all(value.size and signature.outputs[name].accepts(value.shape) for name, value in outputs.items())


class Check:
    """Runs both engines. Raises Rejected if their outputs differ, or if only one engine fails."""

    def __init__(self, signature: SignatureDef, tensorflow: Run, openvino: Run) -> None:
        self._dtypes: dict[str, DataType] = {name: spec.dtype for name, spec in signature.outputs.items()}
        self._tensorflow, self._openvino = tensorflow, openvino

    def __call__(self, inputs: Arrays, tolerance: tuple[float, float] = NARROW) -> None:
        for name, want, got in self._outputs(inputs):
            if got.shape != want.shape or got.dtype != self._dtypes[name].numpy:
                raise Rejected(f"different shape or dtype of {name}")
            if not is_close(got, want, *tolerance):
                raise Rejected(f"different values of {name}")

    def overflows_alike(self, inputs: Arrays) -> bool:
        """Returns whether both engines' outputs have NaN and infinities at the same positions."""
        return all(np.array_equal(_classes(got), _classes(want)) for _, want, got in self._outputs(inputs))

    def _outputs(self, inputs: Arrays) -> Iterator[tuple[str, Any, Any]]:
        """Yields each output's name, TensorFlow's value and OpenVINO's value. Yields nothing if both fail."""
        try:
            want = self._tensorflow(inputs)
        except RunFailed:
            try:
                self._openvino(inputs)
            except RunFailed:
                return
            raise Rejected("OpenVINO accepts inputs for which TensorFlow fails") from None
        try:
            got = self._openvino(inputs)
        except RunFailed:
            raise Rejected("OpenVINO fails") from None
        for name, value in want.items():
            yield name, value, got[name]


def is_close(got: Any, want: Any, relative: float, absolute: float) -> bool:
    """Returns whether the values are equal, up to tolerances as in `NARROW` for floats."""
    if want.dtype.kind != "f":
        return bool(np.array_equal(got, want))
    finite = np.isfinite(want)
    if not np.array_equal(_classes(got), _classes(want)):
        return False
    want, got = want[finite].astype(np.float64), got[finite]
    largest = np.abs(want).max(initial=0)
    return bool(np.all(np.abs(got - want) <= relative * np.abs(want) + absolute * largest + _NEGLIGIBLE))


def _classes(array: Any) -> Any:
    """Returns 1 for infinity, -1 for negative infinity, 2 for NaN, 0 for other floats. Returns integers unchanged."""
    if array.dtype.kind != "f":
        return array
    return np.select([array == np.inf, array == -np.inf, np.isnan(array)], [1, -1, 2], 0)


def has_independent_rows(inputs: Inputs, openvino: Run) -> bool:
    """Returns whether a batch has the same outputs as its rows alone, up to `ROWS_TOLERANCE` of the largest output.

    Compares the first, the middle and the last row of each batch that may occur.
    """
    if not inputs.has_batch:
        return False
    for size in JOINED:
        if bytes_of(inputs.make(size)) > MAX_JOINED_BYTES:
            return size > JOINED[0]  # requests of this size never share a run
        rows = sorted({0, size // 2, size - 1})
        for floats in ("normal", "unit"):
            batch = inputs.make(size, floats=floats)
            if any(len(array) != size for array in batch.values()):
                return False  # an input without a batch dimension
            try:
                together = openvino(batch)
                alone = [openvino({name: array[row : row + 1] for name, array in batch.items()}) for row in rows]
            except RunFailed:
                return False
            for name, value in together.items():
                if not value.ndim or len(value) != size:
                    return False
                expected = np.concatenate([outputs[name] for outputs in alone])
                if not is_close(value[rows], expected, 0.0, ROWS_TOLERANCE):
                    return False
    return True


def _times_faster(inputs: Inputs, most: int, tensorflow: Run, openvino: Run) -> float:
    """Returns how many times faster OpenVINO is: the geometric mean for batches of 1 and `most`."""
    batches = (1, most) if inputs.has_batch else (1,)
    return mean_ratio([inputs.make(batch) for batch in batches], tensorflow, openvino)


def mean_ratio(examples: Sequence[Arrays], tensorflow: Run, openvino: Run) -> float:
    """Returns how many times faster OpenVINO is: the geometric mean over the examples."""
    return float(np.exp(np.mean([math.log(_ratio(each, tensorflow, openvino)) for each in examples])))


def reason(times_faster: float) -> str:
    """Returns the faster engine, and how much faster it is."""
    if times_faster < 1:
        return f"tensorflow (OpenVINO takes {1 / times_faster:.1f}x as long)"
    return f"openvino ({times_faster:.1f}x faster)"


def _ratio(inputs: Arrays, tensorflow: Run, openvino: Run) -> float:
    """Returns TensorFlow's shortest time, plus `_IPC_SECONDS`, divided by OpenVINO's shortest time.

    The engines run in turns, so that other load on the machine affects both equally.
    """
    shortest, end = {tensorflow: math.inf, openvino: math.inf}, time.perf_counter() + _SECONDS
    rounds, ratio = 0, 1.0
    while rounds < _ROUNDS or rounds < _MOST_ROUNDS and time.perf_counter() < end:
        rounds += 1
        for run in shortest:
            started = time.perf_counter()
            run(inputs)
            shortest[run] = min(shortest[run], time.perf_counter() - started)
        ratio = (shortest[tensorflow] + _IPC_SECONDS) / shortest[openvino]
        if rounds >= _CLEAR_ROUNDS and not 1 / _CLEAR < ratio < _CLEAR:
            break
    return ratio
