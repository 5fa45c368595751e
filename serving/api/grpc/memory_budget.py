"""Limits the memory of gRPC messages in a process: the size of each unpacked request, and a budget for all messages.

gRPC limits only the size of each message, not the memory of all messages together.
"""

from __future__ import annotations

from typing import Any

from ... import limits
from ...errors import ResourceExhausted
from ...limits import Budget

LARGE_MESSAGE = 16 << 10  # bytes; `limits.calls` accounts for smaller messages
CONTROL_BYTES = 4 << 20  # maximum size of requests without tensors and examples


class MessageMemory:
    """Limits the memory of the messages of all calls in a process.

    Args:
        max_message_bytes: maximum size of an unpacked request in bytes.
        budget: the memory budget of all large messages. The bytes of a message return to the budget when its call
            ends, because a client may read the answer slowly.
    """

    def __init__(self, max_message_bytes: int, budget: Budget) -> None:
        self._max_message_bytes = max_message_bytes
        self._budget = budget

    def for_control(self, max_message_bytes: int = CONTROL_BYTES) -> MessageMemory:
        """Returns a `MessageMemory` with the same budget, for short requests without tensors and examples."""
        return MessageMemory(min(self._max_message_bytes, max_message_bytes), self._budget)

    def request(self, data: bytes, context: Any) -> bytes:
        """Unpacks a request if it is compressed. Takes the unpacked size from the budget until the call ends.

        Raises ResourceExhausted if the unpacked request is too large or the budget is used up.
        """
        return self.hold(self.unpack(data), context)

    def unpack(self, data: bytes) -> bytes:
        """Unpacks a request if it is compressed. Raises ResourceExhausted if the unpacked request is too large."""
        data = limits.unpack_message(data, self._max_message_bytes)
        if len(data) > self._max_message_bytes:
            raise ResourceExhausted(f"Received message larger than max ({len(data)} vs. {self._max_message_bytes})")
        return data

    def hold(self, message: bytes, context: Any) -> bytes:
        """Takes the size of a large message from the budget until the call ends. Returns the message.

        Raises ResourceExhausted if the budget is used up.
        """
        size = len(message)
        if size > LARGE_MESSAGE:
            if not self._budget.take(size):
                raise ResourceExhausted("The memory budget for requests is used up. Retry later.")
            context.add_done_callback(lambda _: self._budget.give(size))
        return message
