"""Runs a signature on the requests of a batch, and gives each its own rows: in one thread, without waiting."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..config.server_config import DEFAULT_MAX_BATCH_SIZE, BatchingParameters
from ..engines.base import Arrays, bytes_of
from ..errors import FailedPrecondition, InvalidArgument, ServingError
from ..wire.signature import SignatureDef
from .assembly import cut, join, kind_of, padding_bytes, round_up, rows_of

# Padding may take this much memory, or as much as the requests themselves where that is more: a request must not make
# its neighbours hundreds of times their size.
PADDING_BYTES = 256 << 20


class Runnable(Protocol):
    """A loaded signature."""

    @property
    def definition(self) -> SignatureDef: ...

    @property
    def quick_bytes(self) -> int: ...

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays: ...


@dataclass(slots=True, eq=False)
class Part:
    """What one request adds to a batch.

    Attributes:
        outputs: the names of the outputs it wants.
        rows: size of dimension 0.
        strict: whether outputs that can't be cut into rows are an error. TensorFlow Serving leaves requests for some
            of the outputs out of batches, so that these never see that error.
        odd: whether its inputs have no common dimension 0, or too long a one; then it is not strict.
    """

    arrays: Arrays
    outputs: Sequence[str]
    rows: int
    strict: bool
    odd: bool = False


class BatchRunner:
    """Runs one signature in batches.

    Args:
        signature: what to run.
        parameters: the sizes, and what is padded.
    """

    def __init__(self, signature: Runnable, parameters: BatchingParameters) -> None:
        self._signature = signature
        definition = signature.definition
        self._specs = definition.inputs
        self._all_outputs = len(definition.outputs)
        # A signature that fixes the size of dimension 0 takes no batches, whatever the requests.
        self._takes_batches = not any(spec.shape and spec.shape[0] != -1 for spec in self._specs.values())
        self._allowed = parameters.allowed_batch_sizes
        self._pads = parameters.pad_variable_length_inputs
        self._max_input = parameters.max_batch_size or DEFAULT_MAX_BATCH_SIZE

    def part(self, arrays: Arrays, outputs: Sequence[str]) -> Part:
        """A request's part. Raises InvalidArgument for a strict one that would be odd."""
        strict = len(outputs) == self._all_outputs
        try:
            rows = rows_of(arrays)
            if rows > self._max_input:
                raise InvalidArgument(f"Task size {rows} is larger than maximum input batch size {self._max_input}")
        except InvalidArgument:
            if strict:
                raise
            return Part(arrays, outputs, 1, strict, odd=True)
        return Part(arrays, outputs, rows, strict)

    def kind(self, part: Part) -> Hashable | None:
        """Parts of the same kind can be joined; None: it can't be joined with any, nor be padded."""
        if part.odd or not self._takes_batches:
            return None
        for name, array in part.arrays.items():
            if not self._specs[name].accepts(array.shape):
                return None  # what the signature says to it is for its own request
        return kind_of(part.arrays, pad=self._pads)

    def size(self, parts: Sequence[Part]) -> int:
        """How many rows these parts, of one kind, are run with: an allowed size, where they are padded to one."""
        rows = sum([part.rows for part in parts])
        if not self._allowed or not rows or self.kind(parts[0]) is None:
            return rows
        size = round_up(rows, self._allowed)
        return size if size == rows or _is_affordable(parts, size) else rows

    def is_quick(self, part: Part) -> bool:
        """Whether a request that is alone may be run on the event loop, with its padding."""
        size: float = bytes_of(part.arrays)
        if self._allowed and part.rows:
            size *= self.size([part]) / part.rows
        return size <= self._signature.quick_bytes

    def run_all(self, parts: Sequence[Part]) -> list[Arrays | Exception]:
        """For each part its answer, or its error.

        Args:
            parts: of one kind; one that has none comes alone.

        Raises:
            Exception: what is no part's own fault.
        """
        size = self.size(parts)
        if len(parts) == 1 or self._pads and not _is_affordable(parts, size):
            return [self._try_one(part) for part in parts]
        wanted = sorted({name for part in parts for name in part.outputs})
        try:
            outputs = self._signature.run(join([part.arrays for part in parts], size), wanted)
        except ServingError as error:
            if error.http_status != 400:
                raise
            # One request's bad data must not take down the others' answers.
            return [self._try_one(part) for part in parts]
        stops = itertools.accumulate(part.rows for part in parts)
        return [self._try_cut(part, outputs, stop, size) for part, stop in zip(parts, stops, strict=True)]

    def run_one(self, part: Part) -> Arrays:
        """The answer to a request that is alone. Raises what the signature raises."""
        size = self.size([part])
        arrays = part.arrays if size == part.rows else join([part.arrays], size)
        outputs = self._signature.run(arrays, part.outputs)
        if part.odd:
            return outputs
        return self._cut(part, outputs, part.rows, size)

    def _try_one(self, part: Part) -> Arrays | Exception:
        try:
            return self.run_one(part)
        except Exception as error:
            return error

    def _try_cut(self, part: Part, outputs: Arrays, stop: int, size: int) -> Arrays | Exception:
        try:
            return self._cut(part, outputs, stop, size)
        except Exception as error:
            return error

    def _cut(self, part: Part, outputs: Arrays, stop: int, size: int) -> Arrays:
        try:
            return cut(outputs, part.outputs, stop - part.rows, stop, size)
        except FailedPrecondition:
            if part.strict:
                raise
        return self._signature.run(part.arrays, part.outputs)


def _is_affordable(parts: Sequence[Part], size: int) -> bool:
    arrays = [part.arrays for part in parts]
    given = sum(array.nbytes for part in arrays for array in part.values())
    return padding_bytes(arrays, size) <= max(PADDING_BYTES, given)
