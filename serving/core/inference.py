"""Predict on NumPy arrays: what both faces call. Knows no network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from ..engines.base import Arrays, WouldBlock
from ..errors import FailedPrecondition, InvalidArgument
from ..observe.observation import CURRENT
from ..wire.model_spec import ModelSpec
from ..wire.signature import DEFAULT_SIGNATURE
from ..wire.tensor import Array, TensorError
from .checks import check_dtypes, check_inputs, check_method, check_outputs
from .servable import Servable, Signature
from .served_models import ServedModels


class Inference:
    """Answers requests with the models that are served.

    Args:
        models: where they are found.
        threads: how many runs that are not quick go on at once.
        check_methods: whether a signature only does what its method name says.
    """

    def __init__(self, models: ServedModels, threads: int = 4, *, check_methods: bool = False) -> None:
        self.models = models
        self.check_methods = check_methods
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="infer")
        self._turns = asyncio.Semaphore(threads)

    async def predict(
        self, spec: ModelSpec | None, inputs: Mapping[str, Array | TensorError], outputs: Sequence[str] = ()
    ) -> tuple[ModelSpec, Arrays]:
        """Runs a signature.

        Args:
            spec: the model, version and signature that are asked for.
            inputs: arrays by input name.
            outputs: the names of the outputs wanted; all when empty.

        Returns:
            which model, version and signature answered, and the outputs by name.

        Raises:
            ServingError: NotFound for an unknown model, FailedPrecondition for an unknown signature,
                InvalidArgument for inputs or outputs that are not the signature's.
        """
        spec = named(spec)
        with self.models.using(spec) as servable:
            name = spec.signature or DEFAULT_SIGNATURE
            signature = servable.signatures.get(name)
            if signature is None:
                raise FailedPrecondition(f'Serving signature key "{name}" not found.')
            return answered(servable, signature), await self.evaluate(servable, signature, inputs, outputs)

    async def evaluate(
        self,
        servable: Servable,
        signature: Signature,
        inputs: Mapping[str, Array | TensorError],
        outputs: Sequence[str] = (),
    ) -> Arrays:
        """As `predict`, for a signature that is found already."""
        if self.check_methods:
            check_method(signature.definition)
        arrays = check_inputs(signature.definition, inputs)
        wanted = check_outputs(signature.definition, outputs)
        return await self.run(servable, signature, arrays, wanted)

    async def run(self, servable: Servable, signature: Signature, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs what has passed the checks but that of dtypes. Raises InvalidArgument for other dtypes."""
        check_dtypes(signature.definition, arrays)
        request, started = CURRENT.get(), perf_counter()
        try:
            return await self._run(servable, signature, arrays, outputs)
        finally:
            if request:
                request.signature, request.engine = signature.definition.name, signature.runner.engine
                request.rows = _rows(arrays)
                request.runtime_seconds += perf_counter() - started

    async def _run(self, servable: Servable, signature: Signature, arrays: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs on the event loop what is quick, in a thread what is not, with others what is batched."""
        if signature.batcher:
            return await signature.batcher.run(arrays, outputs)
        if signature.is_quick(arrays):
            try:
                return signature.run(arrays, outputs)
            except WouldBlock:
                pass
        await self._turns.acquire()  # requests wait here: the pool's own queue keeps those that are cancelled
        loop = asyncio.get_running_loop()

        def done(_: Any) -> None:
            servable.release()
            with contextlib.suppress(RuntimeError):  # the loop may have ended
                loop.call_soon_threadsafe(self._turns.release)

        running = self._pool.submit(signature.run, arrays, outputs)
        servable.acquire()  # a run goes on where its request is cancelled: the servable must not be closed under it
        running.add_done_callback(done)
        return await asyncio.wrap_future(running)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _rows(arrays: Arrays) -> int:
    """The batch size of a request; 1 where it has none."""
    for array in arrays.values():
        return len(array) if array.ndim else 1
    return 1


def named(spec: ModelSpec | None) -> ModelSpec:
    """`spec`, if it names a model."""
    if spec is None:
        raise InvalidArgument("Missing ModelSpec")
    if not spec.name:
        raise InvalidArgument("ModelSpec has no name specified.")
    return spec


def answered(servable: Servable, signature: Signature) -> ModelSpec:
    """The model spec of an answer."""
    return ModelSpec(servable.name, servable.version, signature=signature.definition.name)
