"""Pauses a signature that ends the TensorFlow process again and again, so that the other signatures go on."""

from __future__ import annotations

import threading
import time

from ...errors import Unavailable
from ..base import raise_in_event_loop

DEATHS = 2  # the TensorFlow process ends this often during runs of a signature before the signature is paused
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 10.0, 600.0  # each further death doubles the pause
TRIAL_SECONDS = 30.0  # after a pause, one run shows whether the signature works; others wait for its end, or this long


class ProcessEnded(Unavailable):
    """The TensorFlow process ended during the call."""


class Breaker:
    """Counts how often the TensorFlow process ended while it ran a signature, without a completed run in between.

    Args:
        name: the name of the signature.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._deaths = 0
        self._last_death = 0.0
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def begin(self) -> float:
        """Returns the time of the start of a run, for `died`.

        Raises:
            Unavailable: the signature is paused.
            WouldBlock: the run is the trial after a pause, and an event loop runs in this thread.
        """
        now = time.monotonic()
        if self._deaths >= DEATHS:
            with self._lock:
                if now < self._closed_until:
                    raise Unavailable(
                        f"Signature {self._name} is paused for {self._closed_until - now:.0f} s, because the "
                        f"TensorFlow process ended {self._deaths} times while it ran this signature."
                    )
                raise_in_event_loop()
                self._closed_until = now + TRIAL_SECONDS
        return now

    def died(self, begun: float) -> None:
        """Call this if the process ended during a run that began at `begun`."""
        with self._lock:
            if begun < self._last_death:
                return  # this run ended with the same process as another run
            self._deaths += 1
            self._last_death = time.monotonic()
            if self._deaths >= DEATHS:
                pause = FIRST_PAUSE_SECONDS * 2 ** min(self._deaths - DEATHS, 10)
                self._closed_until = self._last_death + min(pause, MAX_PAUSE_SECONDS)

    def completed(self) -> None:
        """Call this after a run during which the process did not end."""
        if self._deaths:
            with self._lock:
                self._deaths = 0
