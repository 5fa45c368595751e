"""Loads a version: reads its signatures, finds an engine for each, replays its warm-up requests."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import saved_model
from ..batching.batcher import Batcher
from ..batching.threads import BatchThreads
from ..config import server_config
from ..config.flag_table import CORES
from ..config.server_config import BatchingParameters
from ..engines import tflite
from ..engines.base import Engine, Runner
from ..errors import Unimplemented
from ..observe.metrics import Metrics
from . import warmup
from .servable import Servable, Signature

log = logging.getLogger(__name__)

TIMED_RUNS = 3  # beyond those that are asked for, to see whether a signature is quick


class Batching:
    """How the signatures of this process are batched.

    Args:
        parameters: for all models.
        per_model: whether a model is batched as the file in its version folder says, and not at all without one.
    """

    def __init__(self, parameters: BatchingParameters, *, per_model: bool = False) -> None:
        self.name = parameters.thread_pool_name or ""
        self._parameters = parameters
        self._per_model = per_model
        self.threads = BatchThreads(parameters.num_batch_threads or CORES)

    def parameters(self, folder: Path) -> BatchingParameters | None:
        """Those of the version in `folder`; None: it is not batched. Raises InvalidArgument for a bad file."""
        return server_config.model_batching_parameters(folder) if self._per_model else self._parameters


class Loader:
    """Makes a `Servable` of a version's folder.

    Args:
        engines: each signature is run by the first that takes it.
        metrics: told how long loading and warming up took.
        tags: those of the meta graph to load.
        tflite: whether a `model.tflite` is loaded in place of the SavedModel beside it.
        warmups: how often each recorded request is replayed.
        batching: how requests are joined; None: not at all.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        metrics: Metrics,
        *,
        tags: Sequence[str] = ("serve",),
        tflite: bool = False,
        warmups: int = 1,
        batching: Batching | None = None,
    ) -> None:
        self._engines = engines
        self._metrics = metrics
        self._tags = tags
        self._tflite = tflite
        self._warmups = warmups
        self._batching = batching

    def __call__(self, name: str, version: int, folder: Path) -> Servable:
        """Loads the version in `folder`.

        Raises:
            ServingError: it is missing or cut short, or no engine takes any of its signatures.
        """
        started = time.perf_counter()
        try:
            servable = self._load(name, version, folder)
        except BaseException:
            self._metrics.record_load(folder, time.perf_counter() - started, ok=False)
            raise
        seconds = time.perf_counter() - started
        self._metrics.record_load(folder, seconds, ok=True)
        chosen = ", ".join(f"{key}: {each.runner.engine}" for key, each in sorted(servable.signatures.items()))
        log.info("loaded %s version %d in %.2f s (%s)", name, version, seconds, chosen)
        return servable

    def _load(self, name: str, version: int, folder: Path) -> Servable:
        meta_graph = tflite.read_meta_graph(folder) if self._tflite else None
        if meta_graph is None:
            meta_graph = saved_model.read_meta_graph(folder, self._tags)
        meta_graph.ClearField("graph_def")  # the largest part, and the engines read their own
        parameters = self._batching.parameters(folder) if self._batching else None
        runners = self._runners(folder, meta_graph)
        definitions = saved_model.signatures_of(meta_graph)
        signatures = {key: Signature(definitions[key], runner) for key, runner in runners.items()}
        servable = Servable(name, version, meta_graph, signatures)
        try:
            self._warm_up(servable, folder)
            if parameters and self._batching:
                self._batch(servable, parameters, self._batching)
        except BaseException:
            servable.close()
            raise
        return servable

    def _runners(self, folder: Path, meta_graph: Any) -> dict[str, Runner]:
        definitions = saved_model.signatures_of(meta_graph)
        runners: dict[str, Runner] = {}
        try:
            for engine in self._engines:
                if left := {key: each for key, each in definitions.items() if key not in runners}:
                    runners |= engine.load(folder, left)
            if not runners:
                names = ", ".join(sorted(definitions))
                raise Unimplemented(f"Expected an engine for one of {names} in {folder}. Received: none")
        except BaseException:
            for runner in runners.values():
                runner.close()
            raise
        return runners

    def _batch(self, servable: Servable, parameters: BatchingParameters, batching: Batching) -> None:
        observe = functools.partial(self._metrics.record_batch, servable.name, batching.name)
        for signature in servable.signatures.values():
            signature.batcher = Batcher(signature, servable, parameters, batching.threads, observe)

    def _warm_up(self, servable: Servable, folder: Path) -> None:
        """Replays the recorded requests, and learns from them which signatures are quick."""
        if not self._warmups:
            return
        begun, count = time.perf_counter(), 0
        for record in warmup.read(folder):
            count += 1
            try:
                for name, inputs, outputs in record.runs(servable.signatures):
                    signature = servable.signatures[name]
                    for _ in range(self._warmups):
                        signature.run(inputs, outputs)
                    for _ in range(TIMED_RUNS):  # the first may have had to set things up
                        if not signature.is_quick(inputs):
                            signature.run(inputs, outputs)
            except Exception as error:  # a recorded request must not keep a model from being served
                log.warning("%s: warm-up request failed: %r", folder, error)
        if count:
            self._metrics.record_warmup(folder, time.perf_counter() - begun, count)
