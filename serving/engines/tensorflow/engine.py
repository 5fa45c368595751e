"""Runs signatures with TensorFlow, in the TensorFlow process that all processes of a server share.

It takes any SavedModel: string operations, image bytes, tf.Example parsing, any dtype. Models are loaded into that
process when they are first needed, and again when it has died. `tensorflow_process.py` starts it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import InvalidArgument
from ...wire.signature import SignatureDef
from ..base import Arrays, Runner, refuse_event_loop
from . import image_operations
from . import library as tensorflow_library
from .connections import Connections
from .frames import Stream

log = logging.getLogger(__name__)
_OUTPUT_CHOICES = 64  # TensorFlow keeps something for each choice of outputs, and clients choose


class TensorFlow:
    """The engine.

    Args:
        address: gives the Unix socket of the TensorFlow process, and starts that where it does not run.
        tags: those of the meta graph to load.
    """

    def __init__(self, address: Callable[[], str], tags: Sequence[str] = ("serve",)) -> None:
        self._tags = tags
        self.connections = Connections(address, tags)
        self.models: set[Model] = set()  # those with open runners

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """All of them; none, with a warning, where TensorFlow is not installed."""
        runners = self.when_needed(folder, signatures)
        if not runners and signatures:
            names = ", ".join(sorted(signatures))
            log.warning("%s: not served without TensorFlow (pip install 'keras-gallery[models]'): %s", folder, names)
        try:
            for runner in list(runners.values())[:1]:
                runner.model.number()
        except BaseException:
            for runner in runners.values():
                runner.close()
            raise
        return dict(runners)

    def when_needed(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, TensorFlowRunner]:
        """As `load`, but the model is loaded by the first run."""
        if tensorflow_library.find() is None:
            return {}
        model = Model(self, folder, len(signatures))
        self.models.add(model)
        shapes = image_operations.declared_shapes(folder, self._tags, signatures)
        return {name: TensorFlowRunner(model, each, shapes[name]) for name, each in signatures.items()}

    def close(self) -> None:
        """Gives all models back; the process is its owner's to end."""
        for model in list(self.models):
            model.free()
        self.connections.close()


class Model:
    """A SavedModel that the TensorFlow process holds for some runners of this process, once they need it.

    Attributes:
        runners: how many are still open.
    """

    def __init__(self, engine: TensorFlow, folder: Path, runners: int) -> None:
        self.engine = engine
        self.runners = runners
        self._folder = folder
        self._lock = threading.Lock()
        self._number: int | None = None
        self._held: Stream | None = None

    def number(self, wrong: int | None = None) -> int:
        """Its number, which is not the `wrong` one; loads it if need be.

        Raises:
            ServingError: it can't be loaded.
            NotHere: it is not loaded, and an event loop runs in this thread.
        """
        number = self._number
        if number is not None and number != wrong:
            return number
        refuse_event_loop()
        with self._lock:
            if self._number is None or self._number == wrong:
                self._let_go()
                self._held, self._number = self.engine.connections.load(self._folder)
            return self._number

    def leave(self) -> None:
        """Takes back one runner; with the last one the model goes."""
        with self._lock:
            self.runners -= 1
        if not self.runners:
            self.engine.models.discard(self)
        self.free_if_unused()

    def free_if_unused(self) -> None:
        """Gives the model back where no runner is open: one that was closed during a run may have needed it again."""
        if not self.runners:
            self.free()

    def free(self) -> None:
        """Gives the model back. A run would load it again."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self._number = None
        if self._held is not None:
            self._held.close()
            self._held = None


class TensorFlowRunner:
    """One signature."""

    engine = "tensorflow"

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
        while (found := self.model.engine.connections.run(number, feeds, fetches)) is None:
            number = self.model.number(wrong=number)  # another process than the one that had it
        arrays = dict(zip(names, found, strict=True))
        if self._shapes:
            self._check_outputs(inputs, arrays)
        return {name: arrays[name] for name in outputs}

    def _check_outputs(self, inputs: Arrays, arrays: Arrays) -> None:
        """Raises InvalidArgument for uninitialised memory, which oneDNN returns if an input is too small."""
        if not all(spec.accepts(inputs[name].shape) for name, spec in self._signature.inputs.items()):
            return  # TensorFlow Serving answers these, too
        for name, array in arrays.items():
            spec = self._signature.outputs[name]
            if not spec.accepts(array.shape):
                raise InvalidArgument(
                    f"Expected a larger input: output {name} has shape {list(array.shape)} "
                    f"instead of {list(spec.shape or ())}."
                )

    def _choice(self, outputs: Sequence[str]) -> tuple[str, ...]:
        """The outputs to ask for: those that are wanted, in one order; all where clients are too inventive."""
        choice = tuple(sorted(outputs))
        if choice not in self._choices:
            if len(self._choices) >= _OUTPUT_CHOICES:
                return tuple(self._outputs)
            self._choices.add(choice)
        return choice

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.model.leave()
