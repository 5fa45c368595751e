"""Makes Ctrl-C interrupt the training between two steps, and not while the run is saved."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras

log = logging.getLogger(__name__)


class RaiseInterrupt(keras.callbacks.Callback):
    """Raises KeyboardInterrupt at the end of a step if `requested` is true."""

    requested = False

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.requested:
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


@contextmanager
def interrupt_between_steps() -> Iterator[RaiseInterrupt]:
    """Delays Ctrl-C until the end of the current training step. A second Ctrl-C interrupts at once.

    By default, Python raises KeyboardInterrupt at any point. Within TensorFlow's code, that can crash the process.

    Yields:
        The callback to pass to `Model.fit`.
    """
    callback = RaiseInterrupt()

    def request() -> None:
        callback.requested = True

    with _first_interrupt(request):
        yield callback


@contextmanager
def interrupt_at_end() -> Iterator[None]:
    """Delays Ctrl-C until the end of the `with` block. A second Ctrl-C interrupts at once."""
    requested = threading.Event()

    def request() -> None:
        requested.set()
        log.warning("Interrupted: saving the run first. Press Ctrl-C again to stop without saving.")

    with _first_interrupt(request):
        yield
    if requested.is_set():
        raise KeyboardInterrupt


@contextmanager
def _first_interrupt(request: Callable[[], None]) -> Iterator[None]:
    """Calls `request` for the first Ctrl-C in the `with` block, instead of raising KeyboardInterrupt.

    Does nothing outside the main thread, or if the program has its own SIGINT handler.
    """
    replace_handler = (
        threading.current_thread() is threading.main_thread()  # only the main thread can set a handler
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        request()

    if replace_handler:
        signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        if replace_handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)
