"""How much of a model file is taken in: what is small may be anything, what is large must lie in the file."""

from __future__ import annotations

from ...errors import ResourceExhausted
from ...limits import FREE_UNPACKED_BYTES, MAX_RATIO, memory

MODEL_SHARE = 0.5  # of the memory: weights are held twice while a model is loaded


def check_size(what: str, declared: int, stored: int) -> None:
    """Refuses what unpacks to more than the memory holds, or to too much for the bytes that it is made of.

    Args:
        what: for the error, such as "member model.weights.h5".
        declared: bytes that it says it has.
        stored: bytes of the file that it lies in.

    Raises:
        ResourceExhausted: it is too large.
    """
    most = min(int(memory() * MODEL_SHARE), max(FREE_UNPACKED_BYTES, MAX_RATIO * stored))
    if declared > most:
        raise ResourceExhausted(
            f"Expected {what} to hold at most {most:,} bytes ({stored:,} are in the file). Received: {declared:,}"
        )
