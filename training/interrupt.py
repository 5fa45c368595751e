"""Ctrl-C between two steps of a training, never within one."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras


class RaiseInterrupt(keras.callbacks.Callback):
    """Raises KeyboardInterrupt at the end of a step, once `asked` is true."""

    asked = False

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.asked:
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


@contextmanager
def interrupt_between_steps() -> Iterator[RaiseInterrupt]:
    """Ctrl-C waits for the end of the step; a second one acts at once.

    Python raises KeyboardInterrupt wherever it happens to be, and within TensorFlow's own code that can crash
    the process. Another handler than Python's own is left in place.
    """
    callback = RaiseInterrupt()
    ours = (
        threading.current_thread() is threading.main_thread()  # no other can set a handler
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )

    def ask(number: int, frame: FrameType | None) -> None:
        callback.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if ours:
        signal.signal(signal.SIGINT, ask)
    try:
        yield callback
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
