"""The resources that all models share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .host import Host
from .threads import Threads


@dataclass
class Resources:
    """The resources that all models share.

    Attributes:
        host: loads the versions.
        changed: the lock for the state of all models; a condition that is notified of every change.
        publish: makes the available versions visible to requests; called with the lock held.
        wake: makes the manager poll the folders at once.
        loads, unloads: the thread pools for loading and unloading.
        retries: how many times to retry a version that could not be loaded.
        retry_seconds: seconds between a failed load and the next try.
        improve: may convert the model in a folder to a faster file format; returns whether to load the model again.
        improvements: the thread pool for `improve`.
    """

    host: Host
    changed: threading.Condition
    publish: Callable[[], None]
    wake: Callable[[], None]
    loads: Threads
    unloads: Threads
    retries: int
    retry_seconds: float
    improve: Callable[[Path], bool]
    improvements: Threads
