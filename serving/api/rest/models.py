"""Converts the body of a REST request for a model to the body of the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from ... import fair_threads
from ...core.examples import ExampleInference
from ...core.inference import Inference
from ...core.servable import Servable, Signature
from ...engines.base import Arrays, are_at_most
from ...errors import DeadlineExceeded, InvalidArgument, ServingError
from ...observe.observation import Observation
from ...processes.control import Control
from ...wire.json import answers as json_answers
from ...wire.json import examples as json_examples
from ...wire.json import messages as json_messages
from ...wire.json import predict as json_predict
from ...wire.json.steps import LONG, uncollected
from ...wire.model_spec import ModelSpec
from ...wire.signature import DEFAULT_SIGNATURE
from ..grpc.services import metadata, versions_of
from .paths import Target

# Larger bodies are read in a thread, and larger outputs are written in a thread. Reading or writing smaller ones blocks
# the event loop for a few milliseconds.
QUICK_BODY_BYTES, QUICK_OUTPUT_BYTES, QUICK_RESULT_BYTES = 1 << 18, 1 << 20, 1 << 16


class RestModels:
    """The calls on models. Each method returns the body of the answer.

    Args:
        inference: runs the loaded models.
        control: status, reload and metrics of the whole server.
        timeout_seconds: the timeout of inference for a request. None for no timeout.
    """

    def __init__(self, inference: Inference, control: Control, timeout_seconds: float | None) -> None:
        self._inference, self._control, self._timeout = inference, control, timeout_seconds
        self._examples = ExampleInference(inference)
        self._long_bodies = fair_threads.FairThreads(1)

    async def describe(self, target: Target, request: Observation) -> bytes:
        """Answers status and metadata requests."""
        spec = target.spec
        if target.action == "metadata":
            return json_messages.metadata(metadata(self._inference, spec, request))
        return json_messages.status(await versions_of(self._control, spec, request))

    async def predict(self, target: Target, data: bytes, request: Observation) -> bytes:
        """Answers a predict request. The answer has the same form as the request, row form or columnar form."""
        with contextlib.ExitStack() as stack:
            servable, signature, arrays, has_rows = await self._inputs(target, data, request, stack)
            outputs = await self.in_time(request, self._inference.evaluate(servable, signature, arrays, request))
        encode = json_answers.predictions if has_rows else json_answers.outputs
        is_quick = are_at_most(outputs, QUICK_OUTPUT_BYTES)
        return bytes(await fair_threads.call(is_quick, request.client, encode, outputs))

    async def _inputs(
        self, target: Target, data: bytes, request: Observation, stack: contextlib.ExitStack
    ) -> tuple[Servable, Signature, Arrays, bool]:
        """Reads the body of a predict request. Keeps the model loaded until the end of `stack`.

        Returns the model, the signature, the inputs, and whether the request has the row form.
        """

        def find() -> Servable:
            return stack.enter_context(self._inference.models.using(target.spec, request))

        if len(data) <= QUICK_BODY_BYTES:
            return _read(data, find)
        try:
            found: Servable | ServingError = find()  # here, because a thread must not
        except ServingError as error:
            found = error
        return await self.in_thread(data, request, _read, data, lambda: _or_raise(found))  # type: ignore[no-any-return]

    async def examine(self, target: Target, data: bytes, request: Observation) -> bytes:
        """Answers classify and regress requests."""
        if len(data) <= QUICK_BODY_BYTES:
            signature, examples = json_examples.parse(data)
        else:
            signature, examples = await self.in_thread(data, request, json_examples.parse, data)
        spec = ModelSpec(target.spec.name, target.spec.version, target.spec.label, signature)
        if target.action == "classify":
            running, encode = self._examples.classify(spec, examples, request), json_answers.classifications
        else:
            running, encode = self._examples.regress(spec, examples, request), json_answers.regressions
        _, result = await self.in_time(request, running)
        return bytes(await fair_threads.call(result.ByteSize() <= QUICK_RESULT_BYTES, request.client, encode, result))

    async def in_thread(self, data: bytes, request: Observation, read: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function that reads the body `data`. Long bodies are read one at a time."""
        if len(data) <= LONG:
            reading = fair_threads.call(False, request.client, read, *arguments)
        else:
            reading = self._long_bodies.call(False, request.client, uncollected()(read), *arguments)
        return await self.in_time(request, reading)

    async def in_time(self, request: Observation, running: Awaitable[Any]) -> Any:
        """Waits for a part of the request. Raises DeadlineExceeded after the timeout."""
        if self._timeout is not None:
            request.deadline = monotonic() + self._timeout
        try:
            async with asyncio.timeout(self._timeout):
                return await running
        except TimeoutError:
            raise DeadlineExceeded("Timed out waiting for notification") from None


def _read(data: bytes, find: Callable[[], Servable]) -> tuple[Servable, Signature, Arrays, bool]:
    """Reads the body of a predict request for the model that `find` returns, and frees what it has read."""
    body = json_predict.parse(data)
    try:
        servable = find()
        name = body.signature or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            servable.check_can_run(name)
            raise InvalidArgument(f'Serving signature name: "{name}" not found in signature def')
        return servable, signature, json_predict.arrays(body, signature.definition), body.rows
    finally:
        if len(data) > LONG:
            body.discard()


def _or_raise(found: Servable | ServingError) -> Servable:
    if isinstance(found, ServingError):
        raise found
    return found
