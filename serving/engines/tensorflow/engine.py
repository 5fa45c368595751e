"""Runs signatures with TensorFlow, in a TensorFlow process that all processes of a server share.

This engine runs any SavedModel, including string operations, image bytes, tf.Example parsing and any dtype. The
TensorFlow process loads a model when a run first needs it, and again after a restart of the process. `process.py`
starts the process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import InvalidArgument
from ...wire.signature import SignatureDef
from ..base import Arrays, Runner, raise_in_event_loop
from . import image_operations
from . import library as tensorflow_library
from .connections import Connections
from .frames import Stream

log = logging.getLogger(__name__)
# Maximum number of different sets of outputs. TensorFlow keeps an executor for each set, and clients choose the sets.
_OUTPUT_CHOICES = 64


class TensorFlow:
    """The TensorFlow engine.

    Args:
        address: returns the Unix socket of the TensorFlow process, and starts the process if it does not run.
        tags: tags of the meta graph to load.
    """

    def __init__(self, address: Callable[[], str], tags: Sequence[str] = ("serve",)) -> None:
        self._tags = tags
        self.connections = Connections(address, tags)
        self.models: set[Model] = set()  # models with open runners

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Loads the SavedModel and returns a runner for each signature.

        If TensorFlow is not installed, logs a warning and returns no runners.
        """
        runners = self.load_lazily(folder, signatures)
        if not runners and signatures:
            names = ", ".join(sorted(signatures))
            log.warning("%s: TensorFlow is missing (pip install '.[models]'), not served: %s", folder, names)
        try:
            for runner in list(runners.values())[:1]:
                runner.model.number()
        except BaseException:
            for runner in runners.values():
                runner.close()
            raise
        return dict(runners)

    def load_lazily(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, TensorFlowRunner]:
        """Returns a runner for each signature. The first run loads the SavedModel.

        If TensorFlow is not installed, returns no runners.
        """
        if tensorflow_library.find() is None:
            return {}
        model = Model(self, folder, len(signatures))
        self.models.add(model)
        shapes = image_operations.declared_shapes(folder, self._tags, signatures)
        return {name: TensorFlowRunner(model, each, shapes[name]) for name, each in signatures.items()}

    def close(self) -> None:
        """Frees all models and closes the connections. Does not end the TensorFlow process."""
        for model in list(self.models):
            model.free()
        self.connections.close()


class Model:
    """A SavedModel in the TensorFlow process, shared by the runners of its signatures.

    Attributes:
        runners: number of open runners.
    """

    def __init__(self, engine: TensorFlow, folder: Path, runners: int) -> None:
        self.engine = engine
        self.runners = runners
        self._folder = folder
        self._lock = threading.Lock()
        self._number: int | None = None
        self._connection: Stream | None = None  # keeps the model loaded

    def number(self, stale: int | None = None) -> int:
        """Returns the model's number in the TensorFlow process, and loads the model if necessary.

        Args:
            stale: a model number that is no longer valid, and must not be returned.

        Raises:
            ServingError: the model can't be loaded.
            WouldBlock: the model is not loaded, and an event loop runs in this thread.
        """
        number = self._number
        if number is not None and number != stale:
            return number
        raise_in_event_loop()
        with self._lock:
            if self._number is None or self._number == stale:
                self._release()
                self._connection, self._number = self.engine.connections.load(self._folder)
            return self._number

    def close_runner(self) -> None:
        """Decreases the number of open runners by 1. Frees the model if no runner is open."""
        with self._lock:
            self.runners -= 1
        if not self.runners:
            self.engine.models.discard(self)
        self.free_if_unused()

    def free_if_unused(self) -> None:
        """Frees the model if no runner is open.

        If a runner is closed during a run, the run can load the model again. So the runner calls this method after the
        run.
        """
        if not self.runners:
            self.free()

    def free(self) -> None:
        """Frees the model. The next run loads it again."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        self._number = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class TensorFlowRunner:
    """Runs one signature in the TensorFlow process."""

    engine = "tensorflow"
    can_join: Callable[[Arrays], bool] | None = None

    def __init__(self, model: Model, signature: SignatureDef, shapes: image_operations.Shapes) -> None:
        self.model = model
        self._shapes = shapes
        self._inputs = {name: spec.tensor for name, spec in sorted(signature.inputs.items())}
        self._outputs = {name: spec.tensor for name, spec in sorted(signature.outputs.items())}
        self._signature = signature
        self._choices: set[tuple[str, ...]] = set()
        self._closed = False

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        try:
            return self._run(inputs, outputs)
        finally:
            if self._closed:
                self.model.free_if_unused()

    def _run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        image_operations.check(inputs, self._shapes)
        names = self._choice(outputs)
        feeds = [(tensor, inputs[name]) for name, tensor in self._inputs.items()]
        fetches = [self._outputs[name] for name in names]
        number = self.model.number()
        while (results := self.model.engine.connections.run(number, feeds, fetches)) is None:
            number = self.model.number(stale=number)  # the process was restarted
        arrays = dict(zip(names, results, strict=True))
        if self._shapes:
            self._check_outputs(inputs, arrays)
        return {name: arrays[name] for name in outputs}

    def _check_outputs(self, inputs: Arrays, arrays: Arrays) -> None:
        """Raises InvalidArgument if an output has a wrong shape.

        This happens for inputs that are too small: oneDNN then returns uninitialised memory.
        """
        if not all(spec.accepts(inputs[name].shape) for name, spec in self._signature.inputs.items()):
            return  # for inputs that do not have the declared shape, TensorFlow Serving returns the outputs, too
        for name, array in arrays.items():
            spec = self._signature.outputs[name]
            if not spec.accepts(array.shape):
                raise InvalidArgument(
                    f"Expected a larger input: output {name} has shape {list(array.shape)} "
                    f"instead of {list(spec.shape or ())}."
                )

    def _choice(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """Returns the outputs to fetch: `outputs`, sorted, or all outputs after `_OUTPUT_CHOICES` different sets."""
        choice = tuple(sorted(outputs))
        if choice not in self._choices:
            if len(self._choices) >= _OUTPUT_CHOICES:
                return tuple(self._outputs)
            self._choices.add(choice)
        return choice

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.model.close_runner()
