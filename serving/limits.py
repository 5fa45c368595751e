"""How much one process takes on: open files, bytes of requests under way, what compressed bytes unpack to."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from .errors import ResourceExhausted

MEMORY_SHARE = 0.25  # of the memory, for each kind of thing that requests hold
MAX_OPEN_FILES = 1 << 20
SPARE_OPEN_FILES = 256  # for what is no connection: models, logs, processes

# What is small may unpack to anything; what unpacks to more may not be made of next to nothing.
FREE_UNPACKED_BYTES = 16 << 20
MAX_RATIO = 100

_CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Budget:
    """Bytes that requests hold, all of a process together.

    One request may take more than the limit if no other holds anything: how long a request may be is not said here.

    Args:
        limit: how many bytes.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, count: int, held: int = 0) -> bool:
        """Takes `count` bytes more for one that holds `held`; False, and nothing is taken, where none are left.

        With `held=-1` not even one alone may take more than there are.
        """
        if self.used + count > self.limit and self.used > held:
            return False
        self.used += count
        return True

    def give(self, count: int) -> None:
        """Gives back what was taken."""
        self.used -= count


def share_of_memory(processes: int) -> int:
    """Bytes for a `Budget`: a part of the memory that there is, shared by so many processes."""
    return int(memory() * MEMORY_SHARE) // processes


def memory() -> int:
    """Bytes of memory of the machine, or of the container."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUP_FILES:
        try:
            found.append(int(Path(file).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min(found)


def raise_open_files() -> None:
    """Lets this process have as many files and connections open as it may."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit that it does not tell
            return


def connections() -> int:
    """How many connections one face may have, so that the others and the models still find files to open."""
    try:
        import resource
    except ImportError:
        return MAX_OPEN_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, MAX_OPEN_FILES)
    return max(most - SPARE_OPEN_FILES, 2) // 2


# Bytes that a JSON value takes when it is read into Python's, by the characters that come with it.
_JSON_COSTS = {",": 32, "[": 80, "{": 128, '"': 25, ":": 64}


def json_memory(text: bytes) -> int:
    """How many bytes it takes at most, more or less, to read a JSON text: up to fifty times its length."""
    characters = np.frombuffer(text, np.uint8)
    return len(text) + sum(int((characters == ord(each)).sum()) * cost for each, cost in _JSON_COSTS.items())


def unpack(data: bytes, limit: int, *, wbits: int = 31) -> bytes | None:
    """What compressed bytes unpack to; None where they are damaged or cut short.

    Args:
        data: gzip, or what `wbits` says (see `zlib.decompressobj`).
        limit: the most bytes to unpack. Less where `data` is short: beyond 16 MiB, a hundred times its length.

    Raises:
        ResourceExhausted: there would be more.
    """
    most = min(limit, max(FREE_UNPACKED_BYTES, MAX_RATIO * len(data)))
    unpacker = zlib.decompressobj(wbits)
    try:
        unpacked = unpacker.decompress(data, most)
        if unpacker.eof:
            return unpacked
        if unpacker.unconsumed_tail or unpacker.decompress(b"", 1):
            raise ResourceExhausted(f"Expected {len(data)} bytes to unpack to {most} at most. Received: more")
    except zlib.error:
        pass
    return None


def unpack_message(data: bytes, limit: int) -> bytes:
    """A gRPC message, unpacked if it is compressed.

    gRPC itself unpacks whatever comes up to the longest message, so it is told not to; but then it does not tell,
    either, whether a message is compressed. None of ours begins like gzip (no protocol buffer does) or zlib (field 15).

    Raises:
        ResourceExhausted: it unpacks to more than `limit`, or to too much for its length.
    """
    if data[:2] == b"\x1f\x8b":
        wbits = 31
    elif data[:1] == b"\x78" and len(data) > 1 and int.from_bytes(data[:2]) % 31 == 0:
        wbits = 15
    else:
        return data
    unpacked = unpack(data, limit, wbits=wbits)
    return data if unpacked is None else unpacked
