"""Decodes and encodes messages in threads if they are large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import fair_threads
from ...observe.observation import Observation

QUICK_DECODE = 64 << 10  # bytes; larger messages are decoded in a thread
QUICK_ENCODE = 1 << 20  # bytes; larger outputs are encoded in a thread
DECODED_RATIO = 32  # maximum memory of a decoded message, divided by its size: strings of zero bytes


async def decode(function: Callable[..., Any], size: int, request: Observation, *arguments: Any) -> Any:
    """Calls a function that decodes `size` bytes. If they are many, calls it in a thread, and takes its memory."""
    is_quick = size <= QUICK_DECODE
    if not is_quick and request.share:
        request.share.take_up_to(DECODED_RATIO * size)
    return await fair_threads.call(is_quick, request.client, function, *arguments)
