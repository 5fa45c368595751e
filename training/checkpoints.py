"""The callback that writes checkpoints of a training, and reads a checkpoint to resume the training.

A checkpoint has the whole state at the end of an epoch: all variables of the model (weights, and the states of the
random numbers of noise and dropout layers), the variables of the optimizer, the weights of the best epoch, and the
losses of all epochs. The order of the examples is not a part of it, because it depends only on the seed and the epoch.
"""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .best_weights import BestWeights
from .errors import BadResume
from .unfinished import Unfinished

log = logging.getLogger(__name__)

LARGEST_SHARE = 0.02  # largest share of the training time that is spent on writing checkpoints


class Checkpoints(keras.callbacks.Callback):
    """Writes a checkpoint at the end of an epoch, unless checkpoints would take more than 2 % of the training time.

    If a checkpoint cannot be written, for example because the disk is full, the training goes on with a warning.

    Args:
        unfinished: the folder of the training.
        best: the callback that has the best weights. It must be before this callback in the list of callbacks.
        data: the checksum of the training data.
    """

    def __init__(self, unfinished: Unfinished, best: BestWeights, data: str) -> None:
        super().__init__()
        self.unfinished = unfinished
        self.best = best
        self.data = data
        self.seconds = 0.0
        self._started: float | None = None
        self._state: dict[str, Any] | None = None  # the newest state, if it is not written yet
        self._next = 0.0  # time of the next checkpoint
        self._warned = False

    def start(self) -> None:
        """Starts to measure the time of the training."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Stops to measure the time of the training."""
        self.seconds, self._started = self.elapsed, None

    @property
    def elapsed(self) -> float:
        """Length of the training in seconds, with the time before it was resumed."""
        return self.seconds + (0.0 if self._started is None else time.perf_counter() - self._started)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._state = None  # frees the memory before the new state needs as much
        arrays = {f"model_{name}": _array(variable) for name, variable in _numbered(_variables(self.model))}
        arrays |= {f"optimizer_{name}": _array(each) for name, each in _numbered(self.model.optimizer.variables)}
        arrays |= {f"best_{name}": each for name, each in _numbered(self.best.weights or [])}
        state = {
            "epoch": epoch + 1,
            "best_epoch": self.best.epoch,
            "history": self.best.history,
            "seconds": self.elapsed,
            "data": self.data,
            "backend": keras.backend.backend(),
        }
        self._state = {**arrays, "state": np.array(json.dumps(state))}
        if time.perf_counter() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Writes the state at the end of the last epoch, if it is not written yet."""
        if self._state is None:
            return
        state, self._state = self._state, None
        started = time.perf_counter()
        try:
            self.unfinished.write(lambda file: np.savez(file, **state))
        except OSError as error:
            if not self._warned:
                reason = error.strerror or str(error)
                log.warning("Cannot write a checkpoint to %s: %s. The training goes on.", self.unfinished.home, reason)
            self._warned = True
        ended = time.perf_counter()
        self._next = ended + (ended - started) / LARGEST_SHARE

    def restore(self, model: keras.Model) -> int:
        """Sets the state of a compiled model from the checkpoint.

        Returns:
            The number of finished epochs.

        Raises:
            BadResume: the checkpoint cannot be read, or the data or the model have changed.
        """
        path = self.unfinished.checkpoint
        assert path is not None
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = dict(file)
            state = json.loads(str(arrays.pop("state")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BadResume(f"Cannot read the checkpoint {path}: {error}.") from None
        if state["backend"] != keras.backend.backend():
            raise BadResume(
                f"Cannot resume the training in {path.parent}: it ran on {state['backend']} "
                f"(KERAS_BACKEND={state['backend']})."
            )
        if state["data"] != self.data:
            raise BadResume(f"Cannot resume the training in {path.parent}: its training data have changed.")
        model.optimizer.build(model.trainable_variables)
        for kind, variables in (("model", _variables(model)), ("optimizer", model.optimizer.variables)):
            _assign(variables, _values(arrays, kind), path)
        self.best.weights = _values(arrays, "best")
        self.best.epoch = state["best_epoch"]
        self.best.history = state["history"]
        self.seconds = state["seconds"]
        return int(state["epoch"])


def _variables(model: keras.Model) -> list[Any]:
    """Returns all variables of a model except those of its metrics, which are reset in each epoch."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metrics]


def _array(variable: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(variable))


def _numbered(values: Any) -> Any:
    return ((f"{number:04d}", value) for number, value in enumerate(values))


def _values(arrays: Mapping[str, Any], kind: str) -> list[Any]:
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{kind}_")]


def _assign(variables: list[Any], values: list[Any], path: Any) -> None:
    shapes = [tuple(variable.shape) for variable in variables], [value.shape for value in values]
    if shapes[0] != shapes[1]:
        raise BadResume(f"The checkpoint {path} is of another model.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
