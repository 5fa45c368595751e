"""Limits of one server process: open files, memory held by requests, size of decompressed data."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from .errors import ResourceExhausted

MEMORY_SHARE = 0.25  # share of the machine's memory in each `Budget`
MAX_OPEN_FILES = 1 << 20
SPARE_OPEN_FILES = 256  # open files reserved for models, logs and processes

# Any data may decompress to FREE_UNPACKED_BYTES. Above this, the result may have MAX_RATIO times the compressed size.
FREE_UNPACKED_BYTES = 16 << 20
MAX_RATIO = 100

_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Budget:
    """A byte limit for all requests of one process together.

    A single request may exceed the limit if no other request holds memory: other code checks the size of a request.

    Args:
        limit: the limit in bytes.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, count: int, held: int = 0) -> bool:
        """Reserves `count` more bytes for a request that already holds `held` bytes.

        Returns False, and reserves nothing, if this would exceed the limit while other requests hold memory. With
        `held=-1` the limit also applies to a single request.
        """
        if self.used + count > self.limit and self.used > held:
            return False
        self.used += count
        return True

    def give(self, count: int) -> None:
        """Releases `count` reserved bytes."""
        self.used -= count


def share_of_memory(processes: int) -> int:
    """Returns the limit in bytes of a `Budget` in one of `processes` processes: each gets the same share."""
    return int(memory() * MEMORY_SHARE) // processes


def memory() -> int:
    """Returns the machine's memory in bytes, or the container's memory limit if that is lower."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUP_FILES:
        try:
            sizes.append(int(Path(file).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(sizes)


def raise_open_files() -> None:
    """Raises this process's limit on open files and connections as far as the system allows, up to 1,048,576."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit that it does not report
            return


def connections() -> int:
    """Returns how many connections the gRPC or the REST server may hold.

    This is half of the limit on open files, after a reserve for models, logs and processes.
    """
    try:
        import resource
    except ImportError:
        return MAX_OPEN_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, MAX_OPEN_FILES)
    return max(most - SPARE_OPEN_FILES, 2) // 2


# Memory in bytes of the Python objects that a JSON parser makes, for each occurrence of a character.
_JSON_COSTS = {",": 32, "[": 80, "{": 128, '"': 25, ":": 64}


def json_memory(text: bytes) -> int:
    """Estimates the maximum memory in bytes for parsing a JSON text: up to about fifty times the length of the text."""
    characters = np.frombuffer(text, np.uint8)
    return len(text) + sum(int((characters == ord(each)).sum()) * cost for each, cost in _JSON_COSTS.items())


def unpack(data: bytes, limit: int, *, wbits: int = 31) -> bytes | None:
    """Decompresses data. Returns None if the data is damaged or truncated.

    Args:
        data: compressed data.
        limit: the maximum size of the result in bytes. If the result is above 16 MiB, a second limit applies: a
            hundred times the length of `data`.
        wbits: the format, as in `zlib.decompressobj`; the default is gzip.

    Raises:
        ResourceExhausted: the result would exceed a limit.
    """
    most = min(limit, max(FREE_UNPACKED_BYTES, MAX_RATIO * len(data)))
    unpacker = zlib.decompressobj(wbits)
    try:
        unpacked = unpacker.decompress(data, most)
        if unpacker.eof:
            return unpacked
        if unpacker.unconsumed_tail or unpacker.decompress(b"", 1):
            raise ResourceExhausted(
                f"Compressed request of {len(data)} bytes has more than {most} bytes when decompressed: "
                "send a smaller request, or an uncompressed one."
            )
    except zlib.error:
        pass
    return None


def unpack_message(data: bytes, limit: int) -> bytes:
    """Returns a gRPC message, decompressed if it is compressed.

    gRPC's own decompression has no limit but the maximum message size, so the server switches it off. gRPC then does
    not report whether a message is compressed, and this function looks at the first bytes: no protocol buffer message
    begins like gzip data, and none of our messages begins like zlib data (field 15).

    Raises:
        ResourceExhausted: the message exceeds a limit of `unpack` when decompressed.
    """
    if data[:2] == b"\x1f\x8b":
        wbits = 31
    elif data[:1] == b"\x78" and len(data) > 1 and int.from_bytes(data[:2]) % 31 == 0:
        wbits = 15
    else:
        return data
    unpacked = unpack(data, limit, wbits=wbits)
    return data if unpacked is None else unpacked
