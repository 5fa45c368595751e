"""The resources that all models share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .host import Host
from .threads import Threads

if TYPE_CHECKING:
    from .model_versions import ModelVersions


@dataclass
class Resources:
    """The resources that all models share.

    Attributes:
        host: loads the versions.
        changed: the lock for the state of all models; a condition that is notified of every change.
        publish: makes the available versions of a model visible to requests; called with the lock held.
        polls: the thread pool for polling.
        loads, unloads: the thread pools for loading and unloading.
        retries: how many times to retry a version that could not be loaded.
        retry_seconds: seconds between a failed load and the next try.
        improve: may convert the model in a folder to a faster file format; returns whether to load the model again.
        improvements: the thread pool for `improve`.
    """

    host: Host
    changed: threading.Condition
    publish: Callable[[ModelVersions], None]
    polls: Threads
    loads: Threads
    unloads: Threads
    retries: int
    retry_seconds: float
    improve: Callable[[Path], bool]
    improvements: Threads
