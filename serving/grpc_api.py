"""The gRPC face: PredictionService and ModelService. Decodes, calls the core, encodes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from .errors import Internal, InvalidArgument, ServingError
from .inference import Inference, named
from .wire import messages, predict

log = logging.getLogger(__name__)
Handler = Callable[[bytes], Awaitable[bytes]]


class GrpcApi:
    """The methods, each from request bytes to answer bytes.

    Args:
        inference: the core.
        as_content: whether outputs are sent in `tensor_content` rather than in `*_val` fields.
    """

    def __init__(self, inference: Inference, *, as_content: bool = False) -> None:
        self._inference = inference
        self._as_content = as_content

    async def predict(self, data: bytes) -> bytes:
        request = predict.decode_request(data)
        spec, outputs = await self._inference.predict(request.spec, request.inputs, request.outputs)
        return predict.encode_response(spec, outputs, as_content=self._as_content)

    async def get_model_metadata(self, data: bytes) -> bytes:
        request = messages.GetModelMetadataRequest.FromString(data)
        spec = named(predict.model_spec(request.model_spec) if request.HasField("model_spec") else None)
        fields: Sequence[str] = request.metadata_field
        if not fields:
            raise InvalidArgument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in fields:
            if field != "signature_def":
                raise InvalidArgument(f"Metadata field {field} is not supported")
        response = metadata(self._inference, spec)
        return bytes(response.SerializeToString())

    async def get_model_status(self, data: bytes) -> bytes:
        request = messages.GetModelStatusRequest.FromString(data)
        if not request.HasField("model_spec"):
            raise InvalidArgument("Missing ModelSpec")
        spec = predict.model_spec(request.model_spec)
        return bytes(status(self._inference, spec).SerializeToString())

    async def list_models(self, data: bytes) -> bytes:
        """Ours: a `ModelServerConfig` with the names of all models; the request is empty."""
        config = messages.ModelServerConfig()
        config.model_config_list.SetInParent()
        for name in self._inference.manager.models():
            config.model_config_list.config.add(name=name)
        return bytes(config.SerializeToString())

    def services(self) -> list[grpc.GenericRpcHandler]:
        """Handlers for `grpc.aio.Server.add_generic_rpc_handlers`."""
        methods: dict[str, dict[str, Handler]] = {
            "tensorflow.serving.PredictionService": {
                "Predict": self.predict,
                "GetModelMetadata": self.get_model_metadata,
            },
            "tensorflow.serving.ModelService": {"GetModelStatus": self.get_model_status},
            "keras_gallery.ModelList": {"List": self.list_models},
        }
        return [
            grpc.method_handlers_generic_handler(
                service, {name: grpc.unary_unary_rpc_method_handler(_answer(call)) for name, call in calls.items()}
            )
            for service, calls in methods.items()
        ]


def _answer(call: Handler) -> Callable[[bytes, Any], Awaitable[bytes]]:
    """Turns what a method raises into a gRPC status: the one place that does."""

    async def handler(data: bytes, context: Any) -> bytes:
        try:
            return await call(data)
        except ServingError as error:
            problem = error
        except DecodeError:
            problem = Internal("")
        except Exception as error:  # ours to mend; the client gets one line
            log.exception("gRPC request failed")
            problem = Internal(f"{type(error).__name__}: {error}")
        await context.abort(problem.code, str(problem))
        raise AssertionError  # abort has raised

    return handler


def metadata(inference: Inference, spec: predict.ModelSpec) -> Any:
    """A `GetModelMetadataResponse` with the signatures of the version that `spec` means."""
    with inference.manager.using(spec) as servable:
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        signatures = messages.SignatureDefMap()
        for name, definition in servable.meta_graph.signature_def.items():
            signatures.signature_def[name].CopyFrom(definition)
        response.metadata["signature_def"].Pack(signatures)
        return response


def status(inference: Inference, spec: predict.ModelSpec) -> Any:
    """A `GetModelStatusResponse`; labels are ignored, as TensorFlow Serving does."""
    response = messages.GetModelStatusResponse()
    for version in inference.manager.status(spec.name, spec.version):
        entry = response.model_version_status.add(version=version.number, state=version.state.value)
        entry.status.SetInParent()
        if version.error is not None:
            entry.status.error_code = version.error.code.value[0]
            entry.status.error_message = str(version.error)
    return response
