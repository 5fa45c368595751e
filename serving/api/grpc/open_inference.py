"""The gRPC service of the Open Inference Protocol, and the metadata that the REST API has, too."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ... import fair_threads
from ...core.inference import Inference
from ...engines.base import are_at_most
from ...errors import InvalidArgument, NotFound
from ...observe.observation import Observation
from ...processes.control import Control, waiting_models
from ...wire import messages
from ...wire.model_spec import ModelSpec
from ...wire.open_inference import grpc_messages
from ...wire.open_inference.tensors import data_type
from ...wire.signature import DEFAULT_SIGNATURE, TensorSpec
from .decoding import QUICK_ENCODE, decode

SERVICE = "inference.GRPCInferenceService"
EXTENSIONS = ("binary_tensor_data", "signature_name")
PLATFORM = "tensorflow_savedmodel"
_NUMBER = re.compile("[0-9]{1,19}")


class OpenInference:
    """The methods of the service. Each converts the bytes of a request to the bytes of the answer.

    Args:
        inference: runs the loaded models.
        control: the status of the whole server.
    """

    def __init__(self, inference: Inference, control: Control) -> None:
        self._inference, self._control = inference, control
        self._stopping = False
        self.health: dict[str, Callable[[bytes], Awaitable[bytes]]] = {
            "ServerLive": self.server_live,
            "ServerReady": self.server_ready,
        }
        self.observed: dict[str, Callable[[bytes, Observation], Awaitable[bytes]]] = {
            "ServerMetadata": self.server_metadata,
            "ModelReady": self.model_ready,
            "ModelMetadata": self.model_metadata,
            "ModelInfer": self.model_infer,
        }

    def stop(self) -> None:
        """Makes ServerReady answer false. Call this before the server drains."""
        self._stopping = True

    async def server_live(self, data: bytes) -> bytes:
        return bytes(messages.ServerLiveResponse(live=True).SerializeToString())

    async def server_ready(self, data: bytes) -> bytes:
        ready = not self._stopping and not await waiting_models(self._control)
        return bytes(messages.ServerReadyResponse(ready=ready).SerializeToString())

    async def server_metadata(self, data: bytes, request: Observation) -> bytes:
        return bytes(messages.ServerMetadataResponse(**server_metadata()).SerializeToString())

    async def model_ready(self, data: bytes, request: Observation) -> bytes:
        message = messages.ModelReadyRequest.FromString(data)
        try:
            with self._inference.models.using(spec(message.name, message.version), request):
                ready = True
        except (NotFound, InvalidArgument):
            ready = False
        return bytes(messages.ModelReadyResponse(ready=ready).SerializeToString())

    async def model_metadata(self, data: bytes, request: Observation) -> bytes:
        message = messages.ModelMetadataRequest.FromString(data)
        document = model_metadata(self._inference, spec(message.name, message.version), request)
        del document["signatures"]
        return bytes(messages.ModelMetadataResponse(**document).SerializeToString())

    async def model_infer(self, data: bytes, request: Observation) -> bytes:
        parts = grpc_messages.split(data)
        message = await decode(grpc_messages.parse, len(parts.rest), request, parts)
        inputs = await decode(grpc_messages.inputs, grpc_messages.cost(message, parts), request, message, parts)
        wanted = tuple([each.name for each in message.outputs])
        answered, outputs = await self._inference.predict(grpc_messages.spec_of(message, spec), inputs, wanted, request)
        encode = functools.partial(grpc_messages.encode_response, message, parts, answered, outputs)
        return bytes(await fair_threads.call(are_at_most(outputs, QUICK_ENCODE), request.client, encode))


def spec(name: str, version: str, signature: str = "") -> ModelSpec:
    """Returns the model that a request names. A version that is not a number is the label of a version."""
    if _NUMBER.fullmatch(version):
        return ModelSpec(name, int(version), None, signature)
    return ModelSpec(name, None, version or None, signature)


def server_metadata() -> dict[str, Any]:
    """Returns the name and the version of the server, and the extensions of the protocol that it supports."""
    version = importlib.metadata.version("keras-gallery")
    return {"name": "keras-gallery", "version": version, "extensions": list(EXTENSIONS)}


def model_metadata(inference: Inference, model: ModelSpec, request: Observation) -> dict[str, Any]:
    """Returns the metadata of a model version: the inputs and outputs of the default signature, and all signatures.

    If the model has no default signature, the inputs and outputs are empty.
    """
    with inference.models.using(model, request) as servable:
        signatures = {
            name: {"inputs": _tensors(each.definition.inputs), "outputs": _tensors(each.definition.outputs)}
            for name, each in sorted(servable.signatures.items())
        }
        return {
            "name": servable.name,
            "versions": [str(each) for each in inference.models.versions(servable.name)],
            "platform": PLATFORM,
            **signatures.get(DEFAULT_SIGNATURE, {"inputs": [], "outputs": []}),
            "signatures": signatures,
        }


def _tensors(specs: Mapping[str, TensorSpec]) -> list[dict[str, Any]]:
    """Returns the name, data type and shape of tensors. The protocol has no unknown rank: it is written as [-1]."""
    return [
        {"name": name, "datatype": data_type(each), "shape": [-1] if each.shape is None else list(each.shape)}
        for name, each in specs.items()
    ]
