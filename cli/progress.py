"""Progress lines on standard error, so that standard output holds only a command's results."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .. import loading as imports
from ..serving.printable import printable

SECONDS_ON_A_TERMINAL, SECONDS_ELSEWHERE = 0.5, 5.0  # between two progress lines of a `Meter`


def progress(step: str) -> None:
    """Prints the name of a step, followed by an ellipsis, such as "Writing the SavedModel ..."."""
    print(f"{printable(step)} ...", file=sys.stderr, flush=True)


@contextmanager
def loading() -> Iterator[None]:
    """Prints a progress line if Keras is not imported yet, then runs the block in `keras_gallery.loading.loading`."""
    if "keras" not in sys.modules:
        progress("Loading Keras and TensorFlow")
    with imports.loading():
        yield


class Meter:
    """Prints how many examples are done, the rate and the time left: twice a second on a terminal, where the line
    replaces the line before it, and otherwise every 5 seconds.

    Args:
        total: returns the number of examples. It is called when the first line is printed.
    """

    def __init__(self, total: Callable[[], int]) -> None:
        self._total, self._all = total, 0
        self._done = self._skipped = 0
        self._start = self._printed = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._is_shown = False

    def add(self, done: int = 0, skipped: int = 0) -> None:
        """Counts examples that are done, or that an earlier command has done."""
        self._done += done
        self._skipped += skipped
        now = time.monotonic()
        if now - self._printed < (SECONDS_ON_A_TERMINAL if self._is_terminal else SECONDS_ELSEWHERE):
            return
        self._printed = now
        self._all = self._all or self._total()
        line = progress_line(self._done, self._skipped, self._all, now - self._start)
        print(f"\r{line}\x1b[K" if self._is_terminal else line, end="" if self._is_terminal else "\n", file=sys.stderr)
        sys.stderr.flush()
        self._is_shown = self._is_terminal

    def clear(self) -> None:
        """Removes the line from a terminal."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._is_shown = False


def progress_line(done: int, skipped: int, total: int, seconds: float) -> str:
    """Returns the line of a `Meter`, such as "1,200 of 3,000 examples, 600 per second, 3 s left"."""
    rate = done / seconds if seconds else 0.0
    line = (
        f"{done + skipped:,} of {max(total, done + skipped):,} examples, {rate:,.{0 if rate >= 10 else 1}f} per second"
    )
    left = total - done - skipped
    return f"{line}, {_duration(left / rate)} left" if rate and left > 0 else line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
