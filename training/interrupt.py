"""Makes Ctrl-C interrupt the training between two steps, not within a step."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras


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
    Ctrl-C is not delayed outside the main thread, or if the program has its own SIGINT handler.

    Yields:
        The callback to pass to `Model.fit`.
    """
    callback = RaiseInterrupt()
    replace_handler = (
        threading.current_thread() is threading.main_thread()  # only the main thread can set a handler
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )

    def request(number: int, frame: FrameType | None) -> None:
        callback.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if replace_handler:
        signal.signal(signal.SIGINT, request)
    try:
        yield callback
    finally:
        if replace_handler:
            signal.signal(signal.SIGINT, signal.default_int_handler)
