"""Classify, Regress and MultiInference on tf.Examples: what both faces call. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..wire import messages
from ..wire.model_spec import ModelSpec, encode_spec
from ..wire.tensor import Array
from .checks import CLASSIFY, REGRESS
from .inference import Inference, answered, named
from .predictions import INPUTS, Head, Task, find_head, find_heads, serialized_examples
from .servable import Servable


class ExampleInference:
    """Answers requests that hold an `Input` message: a list of examples, which may share a context."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    async def classify(self, spec: ModelSpec | None, examples: Any) -> tuple[ModelSpec, Any]:
        """Labels and scores of examples.

        Args:
            spec: the model, version and signature that are asked for.
            examples: an `Input` message.

        Returns:
            which model, version and signature answered, and a `ClassificationResult` message.

        Raises:
            ServingError: NotFound for an unknown model; InvalidArgument for an unknown signature, one that does not
                classify, or examples that it refuses.
        """
        return await self._one(CLASSIFY, spec, examples)

    async def regress(self, spec: ModelSpec | None, examples: Any) -> tuple[ModelSpec, Any]:
        """A number for each example: as `classify`, with a `RegressionResult` message."""
        return await self._one(REGRESS, spec, examples)

    async def multi(self, tasks: Sequence[Task], examples: Any) -> Any:
        """A `MultiInferenceResponse` message with a result for each task; all tasks are one model's."""
        first = named(tasks[0].spec if tasks else ModelSpec(""))
        response = messages.MultiInferenceResponse()
        with self._inference.models.using(first) as servable:
            heads = find_heads(tasks, servable.signatures, check_method=self._inference.check_methods)
            rows = serialized_examples(examples)
            for head in heads:
                spec, result = await self._run(servable, head, rows)
                entry = response.results.add()
                entry.model_spec.MergeFromString(encode_spec(spec))
                getattr(entry, head.field).CopyFrom(result)
        return response

    async def _one(self, method: str, spec: ModelSpec | None, examples: Any) -> tuple[ModelSpec, Any]:
        spec = named(spec)
        with self._inference.models.using(spec) as servable:
            check = self._inference.check_methods
            head = find_head(method, spec.signature, servable.signatures, check_method=check)
            return await self._run(servable, head, serialized_examples(examples))

    async def _run(self, servable: Servable, head: Head, rows: Array) -> tuple[ModelSpec, Any]:
        signature = servable.signatures[head.definition.name]
        arrays = await self._inference.run(servable, signature, {INPUTS: rows}, head.outputs)
        return answered(servable, signature), head.result(arrays, len(rows))
