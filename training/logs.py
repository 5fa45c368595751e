"""Logs of a training: a CSV file, TensorBoard, and lines with the time left."""

from __future__ import annotations

import contextlib
import csv
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from .errors import BadFolder

log = logging.getLogger(__name__)

FIRST_LINE = 30.0  # seconds before the first line with the time left
INTERVAL = 60.0  # seconds between two lines
_AT_START = ("set_model", "on_train_begin")  # methods of a callback that are called before the training


@contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Drops TensorFlow's warnings that functions are traced again. Each picture of a run needs a model of its own."""

    def is_other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


class TimeLeft(keras.callbacks.Callback):
    """Reports the time left at the end of an epoch, at most once a minute. Short trainings have no such lines.

    The first epoch is left out, because Keras compiles the model in it.

    Args:
        epochs: number of epochs of the whole training.
        report: called with a line of text.
    """

    def __init__(self, epochs: int, report: Callable[[str], None]) -> None:
        super().__init__()
        self.epochs = epochs
        self.report = report

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.next_line = time.monotonic() + FIRST_LINE
        self.first: tuple[int, float] | None = None  # number of epochs at the end of the first one, and its time

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        now, done = time.monotonic(), epoch + 1
        if self.first is None:
            self.first = done, now
            return
        if now < self.next_line or done >= self.epochs:
            return
        self.next_line = now + INTERVAL
        left = (now - self.first[1]) / (done - self.first[0]) * (self.epochs - done)
        self.report(f"Finished epoch {done} of {self.epochs}; {duration(left)} left")


def duration(seconds: float) -> str:
    """Returns a text such as `40 s`, `12 min` or `3 h 5 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def log_callbacks(csv_log: str | Path | None, tensorboard: str | Path | None, epoch: int) -> list[Any]:
    """Returns Keras's callbacks that write a CSV file and the logs of TensorBoard.

    If a log cannot be written later, for example because the disk is full, the training goes on without this log.

    Args:
        csv_log: the CSV file, or None.
        tensorboard: the folder, or None.
        epoch: number of finished epochs of a resumed training, otherwise 0. Later lines of the CSV file are removed,
            because these epochs are trained again.

    Raises:
        BadFolder: the CSV file cannot be written. At the start of the training, the callbacks raise this error, too.
    """
    callbacks: list[Any] = []
    if csv_log is not None:
        try:
            Path(csv_log).absolute().parent.mkdir(parents=True, exist_ok=True)
            if epoch and Path(csv_log).exists():
                _keep_epochs(Path(csv_log), epoch)
        except OSError as error:
            raise BadFolder(f"Cannot write the CSV log {csv_log}: {error.strerror}.") from None
        callbacks.append(_guarded(keras.callbacks.CSVLogger(str(csv_log), append=epoch > 0), f"the CSV log {csv_log}"))
    if tensorboard is not None:
        callbacks.append(_guarded(_TensorBoard(str(tensorboard)), f"the TensorBoard log {tensorboard}"))
    return callbacks


class _TensorBoard(keras.callbacks.TensorBoard):
    """Writes the events of each epoch at its end. Otherwise TensorFlow writes them later, and ignores a full disk."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        for writer in self._writers.values():
            writer.flush()


def _guarded(callback: Any, name: str) -> Any:
    """Returns the callback. If it cannot write, it raises BadFolder at the start, and warns and stops later."""
    is_stopped = False

    def guard(method: str) -> Callable[..., None]:
        call = getattr(callback, method)

        def guarded(*arguments: Any, **options: Any) -> None:
            nonlocal is_stopped
            if is_stopped:
                return
            try:
                call(*arguments, **options)
            except Exception as error:
                if not isinstance(error, OSError) and not type(error).__module__.startswith("tensorflow."):
                    raise
                # TensorFlow puts the place in the graph and the file before the reason: "{{…}} FILE; REASON\n…".
                reason = getattr(error, "strerror", None) or str(error).partition("\n")[0].rpartition("; ")[2]
                if method in _AT_START:
                    raise BadFolder(f"Cannot write {name}: {reason}.") from None
                log.warning("Cannot write %s: %s. The training goes on without it.", name, reason)
                is_stopped = True

        return guarded

    for method in {*_AT_START, *(each for each in dir(callback) if each.startswith("on_"))}:
        setattr(callback, method, guard(method))
    return callback


def close(callbacks: Sequence[Any]) -> None:
    """Closes the CSV file. Keras closes it only after a training without errors and interrupts."""
    for each in callbacks:
        if isinstance(each, keras.callbacks.CSVLogger) and each.csv_file is not None:
            with contextlib.suppress(OSError):  # the disk is full
                each.csv_file.close()


def _keep_epochs(file: Path, epoch: int) -> None:
    with file.open(newline="", encoding="utf-8") as opened:
        header, *rows = list(csv.reader(opened)) or [[]]
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([header, *(row for row in rows if row and int(row[0]) < epoch)])
