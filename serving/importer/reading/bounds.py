"""Size limits for the data in a model file.

Small data is always accepted. Large data must not be much larger than its stored bytes in the file.
"""

from __future__ import annotations

from ...errors import ResourceExhausted
from ...limits import MAX_RATIO, memory

FREE_BYTES = 16 << 20  # data of up to this size is always accepted
MODEL_SHARE = 0.5  # maximum share of the memory: while a model is loaded, its weights are in memory twice


def check_size(what: str, declared: int, stored: int) -> None:
    """Raises if data would be too large after unpacking.

    The maximum is `MAX_RATIO` times the stored bytes or `FREE_BYTES`, whichever is larger. It is never more
    than half of the memory.

    Args:
        what: name of the data for the error message, such as "member model.weights.h5".
        declared: size after unpacking, in bytes, as the file declares it.
        stored: bytes that the file stores for the data.

    Raises:
        ResourceExhausted: the data is too large.
    """
    maximum = min(int(memory() * MODEL_SHARE), max(FREE_BYTES, MAX_RATIO * stored))
    if declared > maximum:
        raise ResourceExhausted(
            f"Expected {what} to unpack to at most {maximum:,} bytes ({stored:,} stored bytes). Received: {declared:,}"
        )
