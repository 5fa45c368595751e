"""Converts the body of a REST request for a model to the body of the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from time import monotonic
from typing import Any

from ... import fair_threads
from ...core.examples import ExampleInference
from ...core.inference import Inference
from ...core.servable import Servable, Signature
from ...engines.base import Arrays, are_at_most
from ...errors import DeadlineExceeded, InvalidArgument
from ...observe.observation import Observation
from ...processes.control import Control
from ...wire.json import answers as json_answers
from ...wire.json import examples as json_examples
from ...wire.json import messages as json_messages
from ...wire.json import predict as json_predict
from ...wire.json.steps import LONG, uncollected
from ...wire.model_spec import ModelSpec
from ...wire.signature import DEFAULT_SIGNATURE
from ..grpc.services import metadata
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
        self._turn = asyncio.Lock()  # for reading a long body

    async def describe(self, target: Target, request: Observation) -> bytes:
        """Answers status and metadata requests."""
        spec = target.spec
        if target.action == "metadata":
            return json_messages.metadata(metadata(self._inference, spec, request))
        return json_messages.status(await self._control.status(spec.name, spec.version))  # labels are ignored

    async def predict(self, target: Target, data: bytes, request: Observation) -> bytes:
        """Answers a predict request. The answer has the same form as the request, row form or columnar form."""
        client = request.client
        with contextlib.ExitStack() as stack:
            async with self._reading() if len(data) > LONG else contextlib.nullcontext():
                servable, signature, arrays, has_rows = await self._inputs(target, data, request, stack)
            outputs = await self._in_time(request, self._inference.evaluate(servable, signature, arrays, request))
        encode = json_answers.predictions if has_rows else json_answers.outputs
        return bytes(await fair_threads.call(are_at_most(outputs, QUICK_OUTPUT_BYTES), client, encode, outputs))

    async def _inputs(
        self, target: Target, data: bytes, request: Observation, stack: contextlib.ExitStack
    ) -> tuple[Servable, Signature, Arrays, bool]:
        """Reads the body of a predict request. Keeps the model loaded until the end of `stack`.

        Returns the model, the signature, the inputs, and whether the request has the row form.
        """
        is_quick, client = len(data) <= QUICK_BODY_BYTES, request.client
        body = await fair_threads.call(is_quick, client, json_predict.parse, data)
        try:
            servable = stack.enter_context(self._inference.models.using(target.spec, request))
            name = body.signature or DEFAULT_SIGNATURE
            signature = servable.signatures.get(name)
            if signature is None:
                servable.check_can_run(name)
                raise InvalidArgument(f'Serving signature name: "{name}" not found in signature def')
            has_rows = body.rows
            arrays = await fair_threads.call(is_quick, client, json_predict.arrays, body, signature.definition)
            return servable, signature, arrays, has_rows
        finally:
            if len(data) > LONG:
                await fair_threads.call(False, client, body.discard)

    async def examine(self, target: Target, data: bytes, request: Observation) -> bytes:
        """Answers classify and regress requests."""
        is_quick, client = len(data) <= QUICK_BODY_BYTES, request.client
        async with self._reading() if len(data) > LONG else contextlib.nullcontext():
            signature, examples = await fair_threads.call(is_quick, client, json_examples.parse, data)
        spec = ModelSpec(target.spec.name, target.spec.version, target.spec.label, signature)
        if target.action == "classify":
            running, encode = self._examples.classify(spec, examples, request), json_answers.classifications
        else:
            running, encode = self._examples.regress(spec, examples, request), json_answers.regressions
        _, result = await self._in_time(request, running)
        return bytes(await fair_threads.call(result.ByteSize() <= QUICK_RESULT_BYTES, client, encode, result))

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        """Within the block, no other long body is read, and the garbage collector does not visit its values."""
        async with self._turn:
            with uncollected():
                yield

    async def _in_time(self, request: Observation, running: Awaitable[Any]) -> Any:
        if self._timeout is not None:
            request.deadline = monotonic() + self._timeout
        try:
            async with asyncio.timeout(self._timeout):
                return await running
        except TimeoutError:
            raise DeadlineExceeded("Timed out waiting for notification") from None
