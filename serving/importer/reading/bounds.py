"""Size limits for the data in a model file.

Small data is always accepted. Large data must not be much larger than the bytes that the file stores for it.
"""

from __future__ import annotations

from ...errors import ResourceExhausted
from ...limits import FREE_UNPACKED_BYTES, MAX_RATIO, memory

MODEL_SHARE = 0.5  # share of the memory: weights are in memory twice while a model is loaded


def check_size(what: str, declared: int, stored: int) -> None:
    """Refuses data that is larger than half of the memory, or than `MAX_RATIO` times its stored bytes.

    Up to `FREE_UNPACKED_BYTES`, any ratio is accepted.

    Args:
        what: name of the data for the error message, such as "member model.weights.h5".
        declared: size after unpacking, in bytes, as the file declares it.
        stored: bytes that the file stores for it.

    Raises:
        ResourceExhausted: the data is too large.
    """
    most = min(int(memory() * MODEL_SHARE), max(FREE_UNPACKED_BYTES, MAX_RATIO * stored))
    if declared > most:
        raise ResourceExhausted(
            f"Expected {what} to unpack to at most {most:,} bytes ({stored:,} stored bytes). Received: {declared:,}"
        )
