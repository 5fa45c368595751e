"""Limits of one server process: open files, memory held by requests, size of decompressed data."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from .errors import ResourceExhausted

MEMORY_SHARE = 0.25  # share of the machine's memory for a `Budget`, divided by the number of processes
MAX_OPEN_FILES = 1 << 20
SPARE_OPEN_FILES = 256  # number of open files reserved for models, logs and processes

# Compressed data may decompress to FREE_UNPACKED_BYTES, or to MAX_RATIO times the compressed size if that is more.
FREE_UNPACKED_BYTES = 16 << 20
MAX_RATIO = 100

_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Budget:
    """A byte limit for all requests of one process together.

    A request may exceed this limit if no other request holds memory. The maximum size of one request is checked
    elsewhere (--max_request_bytes).

    Args:
        limit: the limit in bytes.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, count: int, held: int = 0) -> bool:
        """Reserves `count` more bytes for a request that already holds `held` bytes.

        Returns False, and reserves nothing, if the limit would be exceeded and other requests hold memory. With
        `held=-1`, the limit applies even if no other request holds memory.
        """
        if self.used + count > self.limit and self.used > held:
            return False
        self.used += count
        return True

    def give(self, count: int) -> None:
        """Releases `count` reserved bytes."""
        self.used -= count


def share_of_memory(processes: int) -> int:
    """Returns the limit in bytes for the `Budget` of one process. All `processes` processes have the same limit."""
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
    """Raises this process's limit on open files as far as the system allows, up to 1,048,576.

    Each connection counts as an open file.
    """
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
    """Returns the maximum number of connections of the gRPC server, which is also the maximum of the REST server.

    The limit on open files is reduced by a reserve for models, logs and processes. Each server may use one half of the
    rest. On Windows, which has no limit on open files, the maximum is 1,048,576.
    """
    try:
        import resource
    except ImportError:
        return MAX_OPEN_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_files = MAX_OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, MAX_OPEN_FILES)
    return max(open_files - SPARE_OPEN_FILES, 2) // 2


# Estimated bytes of the Python objects that a JSON parser creates for each occurrence of a character.
_JSON_COSTS = {",": 32, "[": 80, "{": 128, '"': 25, ":": 64}


def json_memory(text: bytes) -> int:
    """Estimates the maximum memory in bytes for parsing a JSON text.

    The result can be more than fifty times the length of the text. A string with characters that are not ASCII takes up
    to four bytes per character, and the parser holds up to four copies of the string.
    """
    characters = np.frombuffer(text, np.uint8)
    size = len(text) * (1 if text.isascii() else 16)
    return size + sum(int((characters == ord(each)).sum()) * cost for each, cost in _JSON_COSTS.items())


def unpack(data: bytes, limit: int, *, wbits: int = 31) -> bytes | None:
    """Decompresses data. Returns None if the data is damaged or truncated.

    Args:
        data: compressed data.
        limit: the maximum size of the result in bytes. A second limit applies to results above 16 MiB: 100 times the
            length of `data`.
        wbits: the format, as in `zlib.decompressobj`; the default is gzip.

    Raises:
        ResourceExhausted: the result would exceed a limit.
    """
    max_bytes = min(limit, max(FREE_UNPACKED_BYTES, MAX_RATIO * len(data)))
    unpacker = zlib.decompressobj(wbits)
    try:
        unpacked = unpacker.decompress(data, max_bytes)
        if unpacker.eof:
            return unpacked
        if unpacker.unconsumed_tail or unpacker.decompress(b"", 1):
            raise ResourceExhausted(
                f"Compressed request of {len(data)} bytes has more than {max_bytes} bytes when decompressed: "
                "send a smaller request, or an uncompressed one."
            )
    except zlib.error:
        pass
    return None


def unpack_message(data: bytes, limit: int) -> bytes:
    """Returns a gRPC message, decompressed if it is compressed with gzip or zlib.

    The server switches off gRPC's own decompression, which has no limit except the maximum message size. gRPC then does
    not report whether a message is compressed, so this function reads the first bytes. No protocol buffer message
    begins like gzip data, and no message of this server begins like zlib data (field 15). If the decompression fails,
    the message is returned unchanged.

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
