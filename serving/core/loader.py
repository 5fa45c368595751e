"""Loads a version of a model.

The loader reads the signatures, chooses an engine for each signature, and replays the version's warm-up requests.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import allowed_operations, saved_model
from ..batching.batcher import Batcher
from ..batching.gatherer import Gatherer
from ..batching.threads import BatchThreads
from ..config import server_config
from ..config.flag_table import CORES
from ..config.server_config import BatchingParameters
from ..engines import tflite
from ..engines.base import Arrays, Engine, Runner
from ..errors import Unimplemented
from ..observe.metrics import Metrics
from . import warmup
from .inference import MAX_THREADS
from .servable import Servable, Signature

log = logging.getLogger(__name__)

TIMED_RUNS = 3  # maximum number of additional runs of a warm-up request, which measure whether the signature is quick
SLOW_SECONDS = 0.02  # no further run is measured after a run of more than this time


class Batching:
    """The batching parameters and the batch threads of this process.

    Each version has its own threads, so that a slow model does not delay the others.

    Args:
        parameters: the parameters for all models.
        per_model: whether to use the parameters file in each version folder instead. Requests for versions without
            this file are then not batched.
    """

    def __init__(self, parameters: BatchingParameters, *, per_model: bool = False) -> None:
        self.name = parameters.thread_pool_name or ""
        self._parameters = parameters
        self._per_model = per_model
        self._pool = ThreadPoolExecutor(MAX_THREADS, "batch")  # starts threads as they are needed

    def threads(self) -> BatchThreads:
        """Returns the threads for another version."""
        return BatchThreads(self._parameters.num_batch_threads or CORES, self._pool)

    def close(self) -> None:
        """Stops the threads after their current batches."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def parameters(self, folder: Path) -> BatchingParameters | None:
        """Returns the parameters for the version in `folder`; None if requests for this version are not batched.

        Raises InvalidArgument if the version's parameters file is invalid.
        """
        return server_config.model_batching_parameters(folder) if self._per_model else self._parameters


class Loader:
    """Loads the folder of a version as a `Servable`.

    Args:
        engines: the engines in order of preference. The first engine that supports a signature runs the signature.
        metrics: records how long loading and warm-up took.
        tags: the tags of the meta graph to load.
        tflite: whether to load `model.tflite` instead of the SavedModel if the folder has this file.
        restrict: whether to refuse SavedModels with operations that do more than compute.
        warmups: how many times each recorded request is replayed; 0: no warm-up.
        batching: TensorFlow Serving's batching; None: requests that are there share a run, if the engine allows it.
        parallel: maximum number of shared runs of a signature in threads at the same time.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        metrics: Metrics,
        *,
        tags: Sequence[str] = ("serve",),
        tflite: bool = False,
        restrict: bool = False,
        warmups: int = 1,
        batching: Batching | None = None,
        parallel: int = 1,
    ) -> None:
        self._engines = engines
        self._metrics = metrics
        self._tags = tags
        self._tflite = tflite
        self._restrict = restrict
        self._warmups = warmups
        self._batching = batching
        self._parallel = parallel

    def __call__(self, name: str, version: int, folder: Path) -> Servable:
        """Loads the version in `folder`.

        Raises:
            ServingError: the SavedModel is missing, truncated or not allowed, the batching parameters file is invalid,
                or no engine supports any signature of the version.
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
        meta_graph = None
        if self._restrict and saved_model.model_file(folder):
            meta_graph = saved_model.read_meta_graph(folder, self._tags)
            allowed_operations.check(meta_graph, "(--restrict_models is on)")
        if self._tflite and (of_file := tflite.read_meta_graph(folder)) is not None:
            meta_graph = of_file
        if meta_graph is None:
            meta_graph = saved_model.read_meta_graph(folder, self._tags)
        saved_model.check_variables(folder, meta_graph)
        meta_graph.ClearField("graph_def")  # frees the largest part; engines read the graph from the file
        parameters = self._batching.parameters(folder) if self._batching else None
        runners = self._runners(folder, meta_graph)
        definitions = saved_model.signatures_of(meta_graph)
        signatures = {key: Signature(definitions[key], runner) for key, runner in runners.items()}
        servable = Servable(name, version, meta_graph, signatures, folder)
        try:
            self._warm_up(servable, folder)
            if parameters and self._batching:
                self._batch(servable, parameters, self._batching)
            elif not self._batching:
                self._gather(servable)
        except BaseException:
            servable.close()
            raise
        return servable

    def _runners(self, folder: Path, meta_graph: Any) -> dict[str, Runner]:
        definitions = saved_model.signatures_of(meta_graph)
        runners: dict[str, Runner] = {}
        try:
            for engine in self._engines:
                if remaining := {key: each for key, each in definitions.items() if key not in runners}:
                    runners |= engine.load(folder, remaining)
            if not runners:
                names = ", ".join(sorted(definitions))
                raise Unimplemented(f"No engine can run any signature of {folder}: {names}.")
        except BaseException:
            for runner in runners.values():
                runner.close()
            raise
        return runners

    def _gather(self, servable: Servable) -> None:
        for signature in servable.signatures.values():
            if signature.runner.can_join:
                signature.gatherer = Gatherer(signature, self._parallel)

    def _batch(self, servable: Servable, parameters: BatchingParameters, batching: Batching) -> None:
        observe = functools.partial(self._metrics.record_batch, servable.name, batching.name)
        threads = batching.threads()
        for signature in servable.signatures.values():
            signature.batcher = Batcher(signature, servable, parameters, threads, observe)

    def _time(self, signature: Signature, inputs: Arrays, outputs: Sequence[str]) -> None:
        """Runs a signature until a run is quick or very slow, at most `TIMED_RUNS` times."""
        seconds = 0.0
        for _ in range(TIMED_RUNS):
            if seconds > SLOW_SECONDS or signature.is_quick(inputs):
                return
            started = time.perf_counter()
            signature.run(inputs, outputs)
            seconds = time.perf_counter() - started

    def _warm_up(self, servable: Servable, folder: Path) -> None:
        """Replays the recorded requests. The run times show which signatures are quick."""
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
                    self._time(signature, inputs, outputs)  # the first run may include initialisation
            except Exception as error:  # a failed warm-up request must not prevent serving
                log.warning("%s: warm-up request failed: %r", folder, error)
        if count:
            self._metrics.record_warmup(folder, time.perf_counter() - begun, count)
