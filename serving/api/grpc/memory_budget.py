"""What gRPC messages may take of a process's memory: requests unpacked, requests and answers while they are there."""

from __future__ import annotations

from typing import Any

from ... import limits
from ...errors import ResourceExhausted
from ...limits import Budget

LARGE_MESSAGE = 16 << 10  # bytes; `grpc_bounds.calls` counts what is smaller
CONTROL_BYTES = 4 << 20  # for requests without tensors and examples


class GrpcRoom:
    """For all calls of a process.

    Args:
        max_message_bytes: the longest request, unpacked.
        budget: for large messages together, each until its call is over: a client may let its answer wait.
    """

    def __init__(self, max_message_bytes: int, budget: Budget) -> None:
        self._max_message_bytes = max_message_bytes
        self._budget = budget

    def for_control(self) -> GrpcRoom:
        """The same room, for requests without tensors and examples, which are short."""
        return GrpcRoom(min(self._max_message_bytes, CONTROL_BYTES), self._budget)

    def request(self, data: bytes, context: Any) -> bytes:
        """A request, unpacked if it is compressed. Raises ResourceExhausted."""
        return self.hold(self.unpack(data), context)

    def unpack(self, data: bytes) -> bytes:
        """As `request`, without a word on how long it is there."""
        data = limits.unpack_message(data, self._max_message_bytes)
        if len(data) > self._max_message_bytes:
            raise ResourceExhausted(f"Received message larger than max ({len(data)} vs. {self._max_message_bytes})")
        return data

    def hold(self, message: bytes, context: Any) -> bytes:
        """A message that takes memory until the call is over. Raises ResourceExhausted where there is none left."""
        size = len(message)
        if size > LARGE_MESSAGE:
            if not self._budget.take(size):
                raise ResourceExhausted("Expected memory for all calls under way. Received: too many at once")
            context.add_done_callback(lambda _: self._budget.give(size))
        return message
