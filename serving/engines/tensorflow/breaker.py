"""Pauses a signature that ends the TensorFlow process again and again, so that the other signatures go on.

All runs in progress end with the process, and any of them may be the reason. So each signature that was running is a
suspect until it has completed a run, and suspects run one at a time (`Connections.alone`).
"""

from __future__ import annotations

import threading
import time

from ...errors import Unavailable
from ..base import raise_in_event_loop

DEATHS = 2  # the TensorFlow process ends this often during runs of a signature before the signature is paused
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 10.0, 600.0  # each further death doubles the pause


class ProcessEnded(Unavailable):
    """The TensorFlow process ended during a run."""


class Breaker:
    """Counts how often the TensorFlow process ended while it ran a signature, without a completed run in between.

    Args:
        name: the name of the signature.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._deaths = 0
        self._last_death = 0.0
        self._paused_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_suspect(self) -> bool:
        """Whether the process ended during the last run."""
        return self._deaths > 0

    def begin(self) -> float:
        """Returns the time of the start of a run, for `died`.

        Raises:
            Unavailable: the signature is paused.
            WouldBlock: the signature is a suspect, and an event loop runs in this thread.
        """
        now = time.monotonic()
        if self._deaths:
            if self._deaths >= DEATHS and now < self._paused_until:
                raise Unavailable(
                    f"Signature {self._name} is paused for {self._paused_until - now:.0f} s, because the TensorFlow "
                    f"process ended {self._deaths} times while it ran this signature."
                )
            raise_in_event_loop()
        return now

    def died(self, begun: float) -> None:
        """Call this if the process ended during a run that began at `begun`."""
        with self._lock:
            if begun < self._last_death:
                return  # this run ended with the same process as another run
            self._deaths += 1
            self._last_death = time.monotonic()
            pause = FIRST_PAUSE_SECONDS * 2 ** min(max(self._deaths - DEATHS, 0), 10)
            self._paused_until = self._last_death + min(pause, MAX_PAUSE_SECONDS)

    def completed(self) -> None:
        """Call this after a run during which the process did not end."""
        if self._deaths:
            with self._lock:
                self._deaths = 0
