"""Runs a signature on a batch of requests and cuts the outputs into the rows of each request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..config.server_config import DEFAULT_MAX_BATCH_SIZE, BatchingParameters
from ..engines.base import Arrays, are_at_most
from ..errors import FailedPrecondition, InvalidArgument, ServingError
from ..wire.signature import SignatureDef
from .assembly import cut, join, kind_of, padding_bytes, round_up, rows_of

# The padding of a batch is limited to PADDING_BYTES or the total bytes of the requests, whichever is larger. Without
# this limit, padding to the length of one long request could make the other requests hundreds of times larger.
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
    """A request in a batch, or a part of a split request.

    Attributes:
        arrays: the inputs by name.
        outputs: the names of the requested outputs.
        rows: size of dimension 0; 1 if the part is unbatchable.
        strict: whether outputs that can't be cut into rows raise FailedPrecondition. True if the request asks for all
            outputs. TensorFlow Serving runs a request for only some outputs without batching, so such a request must
            not get this error.
        unbatchable: whether the inputs have no common dimension 0, or too many rows. Such a part runs alone. It is
            never strict, because `BatchRunner.part` raises InvalidArgument instead if the request asks for all outputs.
    """

    arrays: Arrays
    outputs: Sequence[str]
    rows: int
    strict: bool
    unbatchable: bool = False


class BatchRunner:
    """Runs one signature in batches.

    Args:
        signature: the signature to run.
        parameters: the batching parameters.
    """

    def __init__(self, signature: Runnable, parameters: BatchingParameters) -> None:
        self._signature = signature
        definition = signature.definition
        self._specs = definition.inputs
        self._all_outputs = len(definition.outputs)
        # A signature with a fixed size of dimension 0 can't run batches.
        self._is_batchable = not any(spec.shape and spec.shape[0] != -1 for spec in self._specs.values())
        self._allowed = parameters.allowed_batch_sizes
        self._pads = parameters.pad_variable_length_inputs
        self._max_input = parameters.max_batch_size or DEFAULT_MAX_BATCH_SIZE

    def part(self, arrays: Arrays, outputs: Sequence[str]) -> Part:
        """Returns the part for a request. Raises InvalidArgument if a request for all outputs can't be batched."""
        strict = len(outputs) == self._all_outputs
        try:
            rows = rows_of(arrays)
            if rows > self._max_input:
                raise InvalidArgument(f"Task size {rows} is larger than maximum input batch size {self._max_input}")
        except InvalidArgument:
            if strict:
                raise
            return Part(arrays, outputs, 1, strict, unbatchable=True)
        return Part(arrays, outputs, rows, strict)

    def kind(self, part: Part) -> Hashable | None:
        """Returns the batch key of a part; None if the part must run alone and without padding."""
        if part.unbatchable or not self._is_batchable:
            return None
        for name, array in part.arrays.items():
            if not self._specs[name].accepts(array.shape):
                return None  # runs alone, so that the signature's error does not reach other requests
        return kind_of(part.arrays, pad=self._pads)

    def size(self, parts: Sequence[Part]) -> int:
        """Returns the number of rows in a batch of these parts, which have the same batch key.

        The number includes padding to an allowed batch size, if the padding does not take too many bytes.
        """
        rows = sum([part.rows for part in parts])
        if not self._allowed or not rows or self.kind(parts[0]) is None:
            return rows
        size = round_up(rows, self._allowed)
        return size if size == rows or _is_affordable(parts, size) else rows

    def is_quick(self, part: Part) -> bool:
        """Returns whether a single request, with padding, is small enough to run on the event loop."""
        limit: float = self._signature.quick_bytes
        if self._allowed and part.rows:
            limit *= part.rows / self.size([part])
        return are_at_most(part.arrays, limit)

    def run_all(self, parts: Sequence[Part]) -> list[Arrays | Exception]:
        """Returns the outputs or the error for each part.

        Args:
            parts: parts with the same batch key, or a single part.

        Raises:
            Exception: the run of a whole batch failed, and the error does not mean invalid data (HTTP status 400).
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
            # Invalid data of one request must not fail the other requests: run each request alone.
            return [self._try_one(part) for part in parts]
        stops = itertools.accumulate(part.rows for part in parts)
        return [self._try_cut(part, outputs, stop, size) for part, stop in zip(parts, stops, strict=True)]

    def run_one(self, part: Part) -> Arrays:
        """Returns the outputs for a single request. Raises the signature's errors."""
        size = self.size([part])
        arrays = part.arrays if size == part.rows else join([part.arrays], size)
        return self._rows_of(part, self._signature.run(arrays, part.outputs), size)

    def resume(self, part: Part, run: Callable[[], Arrays]) -> Arrays:
        """Returns the outputs for a request whose `run_one` raised WouldBlock with `run` as `resume`."""
        return self._rows_of(part, run(), self.size([part]))

    def _rows_of(self, part: Part, outputs: Arrays, size: int) -> Arrays:
        return outputs if part.unbatchable else self._cut(part, outputs, part.rows, size)

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
    request_bytes = sum(array.nbytes for part in arrays for array in part.values())
    return padding_bytes(arrays, size) <= max(PADDING_BYTES, request_bytes)
