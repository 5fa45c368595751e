"""Limits of one server process: open files, memory held by requests, size of decompressed data."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from . import fair_threads
from .errors import ResourceExhausted

MEMORY_SHARE = 0.25  # share of the machine's memory for a `Budget`, divided by the number of processes
MAX_OPEN_FILES = 1 << 20
SPARE_OPEN_FILES = 256  # number of open files reserved for models, logs and processes

# Compressed data may decompress to FREE_UNPACKED_BYTES, or to MAX_RATIO times the compressed size if that is more.
FREE_UNPACKED_BYTES = 1 << 20
MAX_RATIO = 100
UNPACK_STEP = 4 << 20  # bytes that are decompressed or counted at once

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


class Share:
    """The bytes that one request has taken from a budget. Call `release` when the request is answered.

    Args:
        budget: the budget of all requests.
        client: the address of the client, without the port. Long work for the clients is done in turn (`fair_threads`).
    """

    __slots__ = ("budget", "client", "held")

    def __init__(self, budget: Budget, client: str = "") -> None:
        self.budget = budget
        self.client = client
        self.held = 0

    def take(self, count: int, *, alone: bool = True) -> None:
        """Takes `count` more bytes.

        Args:
            count: the number of bytes.
            alone: whether the request may exceed the budget if no other request holds memory.

        Raises:
            ResourceExhausted: the budget is used up.
        """
        if not self.budget.take(count, self.held if alone else -1):
            raise ResourceExhausted("The memory budget for requests is used up. Retry later.")
        self.held += count

    def take_up_to(self, total: int) -> None:
        """Takes bytes until the request holds `total` bytes. Raises ResourceExhausted if the budget is used up."""
        if total > self.held:
            self.take(total - self.held)

    def release(self) -> None:
        """Returns all bytes to the budget."""
        self.budget.give(self.held)
        self.held = 0


class WaitingBudget:
    """A byte limit for all threads of a process together. Threads wait for their bytes in the order of their calls.

    Args:
        limit: the limit in bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, count: int, seconds: float) -> Iterator[None]:
        """Reserves `count` bytes during the block. More than the limit counts as the limit: the thread then is alone.

        Raises ResourceExhausted if the bytes are not free after `seconds`.
        """
        count = min(count, self.limit)
        turn = object()

        def is_free() -> bool:
            return self._waiting[0] is turn and self._used + count <= self.limit

        with self._changed:
            self._waiting.append(turn)
            try:
                if not self._changed.wait_for(is_free, seconds):
                    raise ResourceExhausted("The memory for pictures and texts is used up. Retry later.")
                self._used += count
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= count
                self._changed.notify_all()


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
    """Returns the maximum number of connections of the gRPC API, which is also the maximum of the REST API.

    The limit on open files is reduced by a reserve for models, logs and processes. Each API may use one half of the
    rest. On Windows, which has no limit on open files, the maximum is 1,048,576.
    """
    try:
        import resource
    except ImportError:
        return MAX_OPEN_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_files = MAX_OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, MAX_OPEN_FILES)
    return max(open_files - min(SPARE_OPEN_FILES, open_files // 2), 2) // 2


# Estimated bytes of the Python objects that a JSON parser creates for each occurrence of a character.
_JSON_COSTS = {",": 32, "[": 80, "{": 128, '"': 25, ":": 64}


def json_memory(text: bytes) -> int:
    """Estimates the maximum memory in bytes for parsing a JSON text.

    The result can be more than fifty times the length of the text. A string with characters that are not ASCII takes up
    to four bytes per character, and the parser holds up to four copies of the string.
    """
    characters = np.frombuffer(text, np.uint8)
    size = len(text) * (1 if text.isascii() else 16)
    for at in range(0, len(text), UNPACK_STEP):
        part = characters[at : at + UNPACK_STEP]
        size += sum(int(np.count_nonzero(part == ord(each))) * cost for each, cost in _JSON_COSTS.items())
    return size


def max_unpacked(size: int, limit: int) -> int:
    """Returns how many bytes `size` bytes of compressed data may have when unpacked, at most `limit`."""
    return min(limit, max(FREE_UNPACKED_BYTES, MAX_RATIO * size))


def _too_large(size: int, max_bytes: int) -> ResourceExhausted:
    return ResourceExhausted(
        f"Compressed request of {size} bytes has more than {max_bytes} bytes when decompressed: "
        "send a smaller request, or an uncompressed one."
    )


def unpack(data: bytes, limit: int, *, wbits: int = 31) -> bytes | None:
    """Decompresses data. Returns None if the data is damaged or truncated.

    Args:
        data: compressed data.
        limit: the maximum size of the result in bytes. A second limit applies to results above 1 MiB: 100 times the
            length of `data`.
        wbits: the format, as in `zlib.decompressobj`; the default is gzip.

    Raises:
        ResourceExhausted: the result would exceed a limit.
    """
    max_bytes = max_unpacked(len(data), limit)
    unpacker = zlib.decompressobj(wbits)
    try:
        unpacked = unpacker.decompress(data, max_bytes)
        if unpacker.eof:
            return unpacked
        if unpacker.unconsumed_tail or unpacker.decompress(b"", 1):
            raise _too_large(len(data), max_bytes)
    except zlib.error:
        pass
    return None


async def unpack_in_steps(data: bytes, limit: int, share: Share, *, wbits: int = 31) -> bytes | None:
    """Decompresses data in a thread, and takes each part of the result from the memory budget.

    The arguments and the result are those of `unpack`; `share` is the request's share in the budget. Raises
    ResourceExhausted also if the budget is used up.
    """
    max_bytes = max_unpacked(len(data), limit)
    unpacker, rest = zlib.decompressobj(wbits), data
    parts, size = [], 0
    while not unpacker.eof:
        try:
            part = await fair_threads.call(False, share.client, unpacker.decompress, rest, UNPACK_STEP)
        except zlib.error:
            return None
        size += len(part)
        if size > max_bytes:
            raise _too_large(len(data), max_bytes)
        share.take(len(part))
        parts.append(part)
        rest = unpacker.unconsumed_tail
        if not part and not rest:
            return None
    return b"".join(parts)
