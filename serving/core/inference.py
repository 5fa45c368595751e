"""Runs Predict requests on NumPy arrays, for the gRPC and REST APIs."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

from ..engines.base import DEADLINE, IS_ABANDONED, Arrays, WouldBlock
from ..errors import FailedPrecondition, InvalidArgument, ResourceExhausted, Unavailable
from ..fair_threads import submit
from ..observe.observation import Observation
from ..wire.model_spec import ModelSpec
from ..wire.signature import DEFAULT_SIGNATURE
from ..wire.tensor import Array, TensorError
from .checks import check_dtypes, check_inputs, check_method, check_outputs
from .servable import Servable, Signature
from .served_models import ServedModels

MAX_THREADS = 4096  # of all versions together
RETRY_SECONDS = 1.0  # pause before the next try to start a thread for an abandoned run


class Inference:
    """Runs requests on the served models.

    Args:
        models: the served models.
        threads: the number of runs of a version in threads at the same time: runs that are too slow for the event loop.
            Each version has its own threads, so that a slow model does not delay the others.
        check_methods: whether to check that requests fit the signature's method name
            (--enable_signature_method_name_check).
        max_pending: the maximum number of requests that wait or run in this process (--max_pending_requests). If there
            are several models, a version may have three quarters of them, so that a slow model leaves room for others.
    """

    def __init__(
        self, models: ServedModels, threads: int = 4, *, check_methods: bool = False, max_pending: int = 1024
    ) -> None:
        self.models = models
        self.check_methods = check_methods
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="infer")  # starts threads as they are needed
        self._threads = threads
        self._max_users = max(max_pending * 3 // 4, 1)
        self._turns: WeakKeyDictionary[Servable, asyncio.Semaphore] = WeakKeyDictionary()

    async def predict(
        self,
        spec: ModelSpec | None,
        inputs: Mapping[str, Array | TensorError],
        outputs: Sequence[str],
        request: Observation,
    ) -> tuple[ModelSpec, Arrays]:
        """Runs a signature.

        Args:
            spec: the requested model, version and signature.
            inputs: arrays by input name.
            outputs: the names of the requested outputs; empty: all outputs.
            request: the record of the request.

        Returns:
            the model, version and signature that answered, and the outputs by name.

        Raises:
            ServingError: NotFound for an unknown model or version; FailedPrecondition for an unknown signature;
                InvalidArgument for a missing model name, an unknown label, or inputs or outputs that do not match the
                signature; Internal for a method name that is not accepted; any error of the run.
        """
        spec = named(spec)
        with self.models.using(spec, request) as servable:
            name = spec.signature or DEFAULT_SIGNATURE
            signature = servable.signatures.get(name)
            if signature is None:
                servable.check_can_run(name)
                raise FailedPrecondition(f'Serving signature key "{name}" not found.')
            arrays, wanted = self._checked(signature, inputs, outputs)
            return spec_of(servable, signature), await self.run(servable, signature, arrays, wanted, request)

    async def evaluate(
        self,
        servable: Servable,
        signature: Signature,
        inputs: Mapping[str, Array | TensorError],
        request: Observation,
    ) -> Arrays:
        """Checks the inputs, runs a signature of `servable`, and returns all outputs by name.

        Raises the errors of `predict` for inputs and method names.
        """
        arrays, wanted = self._checked(signature, inputs, ())
        return await self.run(servable, signature, arrays, wanted, request)

    def _checked(
        self, signature: Signature, inputs: Mapping[str, Array | TensorError], outputs: Sequence[str]
    ) -> tuple[Arrays, Sequence[str]]:
        """Returns an array for each input, and the names of the outputs to compute."""
        if self.check_methods:
            check_method(signature.definition)
        arrays = check_inputs(signature.definition, inputs)
        return arrays, check_outputs(signature.definition, outputs)

    async def run(
        self, servable: Servable, signature: Signature, arrays: Arrays, outputs: Sequence[str], request: Observation
    ) -> Arrays:
        """Runs a signature on inputs with checked names, and returns the named outputs. Completes the record `request`.

        Raises InvalidArgument if an input has the wrong dtype, and ResourceExhausted if too many requests wait for this
        version.
        """
        if servable.users > self._max_users and len(self.models) > 1:
            raise ResourceExhausted(f"Too many requests in progress for model {servable.name}: {self._max_users}.")
        check_dtypes(signature.definition, arrays)
        request.signature, request.engine = signature.definition.name, signature.runner.engine
        request.rows = _rows(arrays)
        started = perf_counter()
        try:
            if signature.gatherer:
                submit = functools.partial(self._submit, servable)
                answer, request.batch_rows = await signature.gatherer.run(arrays, outputs, submit, request.deadline)
                return answer
            DEADLINE.set(request.deadline)
            return await self._run(servable, signature, arrays, outputs)
        finally:
            request.runtime_seconds += perf_counter() - started

    async def _run(self, servable: Servable, signature: Signature, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature in its batcher, if there is a batcher.

        Otherwise runs the signature on the event loop if the run is quick, and in a thread if the run is slow.
        """
        run: Callable[[], Arrays] = functools.partial(signature.run, arrays, outputs)
        has_begun = False
        try:
            if signature.batcher:
                return await signature.batcher.run(arrays, outputs)
            if signature.is_quick(arrays):
                return run()
        except WouldBlock as blocked:
            run, has_begun = blocked.resume or run, blocked.resume is not None
        abandoned = threading.Event()
        context = contextvars.copy_context()
        context.run(IS_ABANDONED.set, abandoned.is_set)
        call = functools.partial(context.run, run)
        try:
            running = await self._start(servable, call)
        except BaseException:
            if has_begun:
                abandoned.set()
                self._end(servable, call)
            raise
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            abandoned.set()
            raise

    async def _start(self, servable: Servable, call: Callable[[], Arrays]) -> Future[Arrays]:
        """Calls a function in a thread, as soon as one of the version's threads is free."""
        turns = self._turns.setdefault(servable, asyncio.Semaphore(self._threads))
        await turns.acquire()  # wait here, since a thread pool's queue would keep cancelled requests
        loop = asyncio.get_running_loop()

        def done(_: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop may have ended
                loop.call_soon_threadsafe(turns.release)

        try:
            running = self._submit(servable, call)
        except BaseException:
            turns.release()
            raise
        running.add_done_callback(done)
        return running

    def _end(self, servable: Servable, call: Callable[[], Arrays]) -> None:
        """Waits in a thread for a run that has begun and is abandoned, so that the engine can end it.

        If no thread can be started, tries again later.
        """
        try:
            self._submit(servable, call)
        except Unavailable:
            servable.acquire()

            def again() -> None:
                self._end(servable, call)
                servable.release()

            asyncio.get_running_loop().call_later(RETRY_SECONDS, again)

    def _submit(self, servable: Servable, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Calls a function in a thread. The servable stays loaded until the end of the call, even after a cancel.

        Raises Unavailable if no thread can be started.
        """
        running = submit(self._pool, function, *arguments)
        servable.acquire()
        running.add_done_callback(lambda _: servable.release())
        return running

    def close(self) -> None:
        """Stops the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _rows(arrays: Arrays) -> int:
    """Returns the size of dimension 0 of the first input; 1 if there is no input or the first input is a scalar."""
    for array in arrays.values():
        return len(array) if array.ndim else 1
    return 1


def named(spec: ModelSpec | None) -> ModelSpec:
    """Returns `spec`. Raises InvalidArgument if `spec` is None or does not name a model."""
    if spec is None:
        raise InvalidArgument("Missing ModelSpec")
    if not spec.name:
        raise InvalidArgument("ModelSpec has no name specified.")
    return spec


def spec_of(servable: Servable, signature: Signature) -> ModelSpec:
    """Returns the model, version and signature that answer a request."""
    return ModelSpec(servable.name, servable.version, signature=signature.definition.name)
