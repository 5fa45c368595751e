"""Runs Classify, Regress and MultiInference requests on tf.Examples, for the gRPC and REST APIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import fair_threads
from ..engines.base import are_at_most
from ..observe.observation import Observation
from ..wire import messages
from ..wire.model_spec import ModelSpec, encode_spec
from ..wire.signature import DEFAULT_SIGNATURE
from ..wire.tensor import Array
from .checks import CLASSIFY, REGRESS
from .inference import Inference, named, spec_of
from .predictions import INPUTS, Head, Task, find_head, find_heads, repeated_bytes, serialized_examples
from .servable import Servable

QUICK_REQUEST = QUICK_RESULT = 64 << 10  # bytes; larger requests are read, and larger results are built in a thread


class ExampleInference:
    """Runs Classify, Regress and MultiInference requests.

    Each request has an `Input` message with a list of examples. The message can also have a context, which applies to
    all of these examples.
    """

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    async def classify(self, spec: ModelSpec | None, examples: Any, request: Observation) -> tuple[ModelSpec, Any]:
        """Returns labels and scores for each example.

        Args:
            spec: the requested model, version and signature.
            examples: an `Input` message.
            request: the record of the request.

        Returns:
            the model, version and signature that answered, and a `ClassificationResult` message.

        Raises:
            ServingError: NotFound for an unknown model or version; InvalidArgument for an unknown signature, a
                signature that is not suitable for Classify, or invalid examples.
        """
        return await self._one(CLASSIFY, spec, examples, request)

    async def regress(self, spec: ModelSpec | None, examples: Any, request: Observation) -> tuple[ModelSpec, Any]:
        """Returns a number for each example. The arguments and errors are the same as for `classify`.

        Returns:
            the model, version and signature that answered, and a `RegressionResult` message.
        """
        return await self._one(REGRESS, spec, examples, request)

    async def multi(self, tasks: Sequence[Task], examples: Any, request: Observation) -> Any:
        """Returns a `MultiInferenceResponse` message with a result for each task. All tasks must name the same model.

        Raises the errors of `find_heads`, NotFound for an unknown model or version, and InvalidArgument for invalid
        examples.
        """
        first = named(tasks[0].spec if tasks else ModelSpec(""))
        response = messages.MultiInferenceResponse()
        with self._inference.models.using(first, request) as servable:
            for task in tasks:
                servable.check_can_run(task.spec.signature or DEFAULT_SIGNATURE)
            heads = find_heads(tasks, servable.signatures, check_method=self._inference.check_methods)
            rows = await _rows(examples, request)
            for head in heads:
                spec, result = await self._run(servable, head, rows, request)
                entry = response.results.add()
                entry.model_spec.MergeFromString(encode_spec(spec))
                getattr(entry, head.field).CopyFrom(result)
        return response

    async def _one(
        self, method: str, spec: ModelSpec | None, examples: Any, request: Observation
    ) -> tuple[ModelSpec, Any]:
        spec = named(spec)
        with self._inference.models.using(spec, request) as servable:
            servable.check_can_run(spec.signature or DEFAULT_SIGNATURE)
            check = self._inference.check_methods
            head = find_head(method, spec.signature, servable.signatures, check_method=check)
            return await self._run(servable, head, await _rows(examples, request), request)

    async def _run(self, servable: Servable, head: Head, rows: Array, request: Observation) -> tuple[ModelSpec, Any]:
        signature = servable.signatures[head.definition.name]
        arrays = await self._inference.run(servable, signature, {INPUTS: rows}, head.outputs, request)
        is_quick = are_at_most(arrays, QUICK_RESULT)
        result = await fair_threads.call(is_quick, request.client, head.result, arrays, len(rows))
        return spec_of(servable, signature), result


async def _rows(examples: Any, request: Observation) -> Array:
    """Returns the serialized examples (batch,). Takes the memory for the repeated context from the budget.

    Raises ResourceExhausted if the budget is used up.
    """
    is_quick = request.request_bytes <= QUICK_REQUEST
    repeated = await fair_threads.call(is_quick, request.client, repeated_bytes, examples)
    if repeated > QUICK_REQUEST and request.share:
        request.share.take(repeated, alone=False)
    is_quick = is_quick and repeated <= QUICK_REQUEST
    rows: Array = await fair_threads.call(is_quick, request.client, serialized_examples, examples)
    return rows
