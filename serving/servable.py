"""One version of a model, loaded: its signatures, each with the runner of the engine that took it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import saved_model, warmup
from .engines import Arrays, Engine, Runner
from .errors import Unimplemented
from .saved_model import SignatureDef

log = logging.getLogger(__name__)

# A signature that answers a warm-up request within this time runs on the event loop: handing it to a thread
# would cost more than it saves.
INLINE_SECONDS = 0.002


class Signature:
    """A signature and its runner.

    Attributes:
        definition: names, dtypes and shapes of inputs and outputs.
        quick: whether a run is so short that it may block the event loop.
    """

    def __init__(self, definition: SignatureDef, runner: Runner) -> None:
        self.definition = definition
        self.runner = runner
        self.quick = False

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """The named outputs for `inputs`, which have passed `inference.check`."""
        return self.runner(inputs, outputs)


class Servable:
    """A loaded version. It counts its users, so that it is closed only after the last request on it ended."""

    def __init__(self, name: str, version: int, meta_graph: Any, signatures: dict[str, Signature]) -> None:
        self.name = name
        self.version = version
        self.meta_graph = meta_graph
        self.signatures = signatures
        self._users = 0
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self) -> bool:
        """Keeps the servable open until `release`; False if it is closed already."""
        with self._changed:
            if not self._closed:
                self._users += 1
            return not self._closed

    def release(self) -> None:
        """Takes back one `acquire`."""
        with self._changed:
            self._users -= 1
            if not self._users:
                self._changed.notify_all()

    def close(self) -> None:
        """Waits for the requests in flight, then frees the model."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._users)
        for signature in self.signatures.values():
            signature.runner.close()


def load(name: str, version: int, folder: Path, engines: Sequence[Engine], *, warm: bool = True) -> Servable:
    """Loads the SavedModel in `folder`: each signature with the first of `engines` that takes it.

    Raises:
        ServingError: the SavedModel is missing or cut short, or no engine takes any of its signatures.
    """
    started = time.perf_counter()
    meta_graph = saved_model.read_meta_graph(folder)
    meta_graph.ClearField("graph_def")  # the largest part, and the engines read their own
    runners: dict[str, Runner] = {}
    try:
        definitions = saved_model.signatures_of(meta_graph)
        for engine in engines:
            if left := {key: each for key, each in definitions.items() if key not in runners}:
                runners |= engine.load(folder, left)
        if not runners:
            raise Unimplemented(
                f"Expected an engine for one of {', '.join(sorted(definitions))} in {folder}. Received: none"
            )
        signatures = {key: Signature(definitions[key], runner) for key, runner in runners.items()}
        servable = Servable(name, version, meta_graph, signatures)
        if warm:
            _warm_up(servable, folder)
    except BaseException:
        for runner in runners.values():
            runner.close()
        raise
    chosen = ", ".join(f"{key}: {signature.runner.engine}" for key, signature in sorted(signatures.items()))
    log.info("loaded %s version %d in %.2f s (%s)", name, version, time.perf_counter() - started, chosen)
    return servable


def _warm_up(servable: Servable, folder: Path) -> None:
    """Replays the recorded requests, and learns from them which signatures are quick."""
    for request in warmup.read(folder):
        spec = request.spec
        signature = servable.signatures.get(spec.signature or saved_model.DEFAULT_SIGNATURE) if spec else None
        if signature is None:
            log.warning("%s: warm-up request for an unknown signature: left out", folder)
            continue
        outputs = request.outputs or tuple(signature.definition.outputs)
        try:
            signature.run(dict(request.inputs), outputs)  # type: ignore[arg-type]
            started = time.perf_counter()
            signature.run(dict(request.inputs), outputs)  # type: ignore[arg-type]
        except Exception as error:  # a recorded request must not keep a model from being served
            log.warning("%s: warm-up request failed: %r", folder, error)
            continue
        signature.quick = time.perf_counter() - started < INLINE_SECONDS
