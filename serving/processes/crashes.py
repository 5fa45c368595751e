"""Finds the version that crashes the worker processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Collection

# A crash in native code ends the process by one of these signals. SIGKILL may come from the system or an operator.
_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}
MAX_CRASHES = 2
WINDOW_SECONDS = 600.0  # crashes that are longer ago do not count


def is_crash(status: int) -> bool:
    """Returns whether a process with this exit status (see `Popen.returncode`) has crashed in native code."""
    return -status in _SIGNALS


class Crashes:
    """The crashes of the last minutes, each with the ids of the versions that the process was running."""

    def __init__(self) -> None:
        self._crashes: list[tuple[float, set[int]]] = []

    def note(self, ids: Collection[int]) -> int | None:
        """Notes a crash. Returns the id of a version that is to be unloaded, or None.

        If several versions were running, the crash counts in equal parts. If several versions have the same part, the
        version that was loaded last is the most likely cause.
        """
        now = time.monotonic()
        self._crashes = [(at, each) for at, each in self._crashes if now - at < WINDOW_SECONDS]
        self._crashes.append((now, set(ids)))
        parts: dict[int, float] = {}
        for _, each in self._crashes:
            for id in each:
                parts[id] = parts.get(id, 0.0) + 1 / len(each)
        worst = max(parts, key=lambda id: (parts[id], id), default=None)
        if worst is None or round(parts[worst], 6) < MAX_CRASHES:
            return None
        self._crashes.clear()
        return worst

    def forget(self, id: int) -> None:
        """Forgets a version that is unloaded."""
        for _, ids in self._crashes:
            ids.discard(id)
