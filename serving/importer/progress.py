"""Reports the progress of an import, at least every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

PAUSE_SECONDS = 5.0  # longest time without a line


class Progress:
    """Reports lines of text, and repeats the current step with its duration if no other line follows.

    Args:
        report: called with each line, one at a time, also in another thread.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._step = "Starting"
        self._started = self._last = time.monotonic()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def __call__(self, text: str) -> None:
        """Reports a line. A line that is not indented starts a new step."""
        with self._lock:
            self._last = time.monotonic()
            if not text.startswith(" "):
                self._step, self._started = text, self._last
            self._report(text)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._end.wait(max(self._last + PAUSE_SECONDS - time.monotonic(), 0.01)):
            with self._lock:
                now = time.monotonic()
                if now - self._last >= PAUSE_SECONDS:
                    self._last = now
                    self._report(f"    {self._step} ({now - self._started:.0f} s)")
