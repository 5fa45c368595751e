"""The gRPC API: PredictionService, ModelService and the list of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import grpc

from ...core.examples import ExampleInference
from ...core.inference import Inference, named
from ...core.predictions import Task
from ...errors import InvalidArgument
from ...observe.observer import Observer
from ...processes.control import Control
from ...wire import messages, predict
from ...wire.model_spec import ModelSpec, encode_spec, model_spec
from . import health as grpc_health
from . import reflection as grpc_reflection
from .handlers import Call, Unknown, observed, stream, unary
from .memory_budget import LARGE_MESSAGE, MessageMemory

_LONG = ("Predict", "Classify", "Regress", "MultiInference")  # methods whose requests may be large


class GrpcApi:
    """The methods of the gRPC API. Each converts the bytes of a request to the bytes of the answer.

    Args:
        inference: runs the loaded models.
        control: status, reload and metrics of the whole server.
        observer: records each request.
        as_content: whether outputs are sent in `tensor_content` instead of the `*_val` fields.
        health: whether to serve the health service.
        reflection: whether to serve reflection.
    """

    def __init__(
        self,
        inference: Inference,
        control: Control,
        observer: Observer,
        *,
        as_content: bool = False,
        health: bool = False,
        reflection: bool = False,
    ) -> None:
        self._inference = inference
        self._examples = ExampleInference(inference)
        self._control = control
        self._observer = observer
        self._as_content = as_content
        self._health = grpc_health.Health() if health else None
        self._reflection = reflection

    async def predict(self, data: bytes) -> bytes:
        request = predict.decode_request(data)
        spec, outputs = await self._inference.predict(request.spec, request.inputs, request.outputs)
        return predict.encode_response(spec, outputs, as_content=self._as_content)

    async def classify(self, data: bytes) -> bytes:
        request = messages.ClassificationRequest.FromString(data)
        spec, result = await self._examples.classify(_spec(request), request.input)
        return _encode(messages.ClassificationResponse(result=result), spec)

    async def regress(self, data: bytes) -> bytes:
        request = messages.RegressionRequest.FromString(data)
        spec, result = await self._examples.regress(_spec(request), request.input)
        return _encode(messages.RegressionResponse(result=result), spec)

    async def multi_inference(self, data: bytes) -> bytes:
        request = messages.MultiInferenceRequest.FromString(data)
        tasks = [Task(model_spec(task.model_spec), task.method_name) for task in request.tasks]
        return bytes((await self._examples.multi(tasks, request.input)).SerializeToString())

    async def get_model_metadata(self, data: bytes) -> bytes:
        request = messages.GetModelMetadataRequest.FromString(data)
        spec = _spec(request)
        if spec is None:
            raise InvalidArgument("Missing ModelSpec")
        fields: Sequence[str] = request.metadata_field
        if not fields:
            raise InvalidArgument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in fields:
            if field != "signature_def":
                raise InvalidArgument(f"Metadata field {field} is not supported")
        return bytes(metadata(self._inference, named(spec)).SerializeToString())

    async def get_model_status(self, data: bytes) -> bytes:
        spec = _spec(messages.GetModelStatusRequest.FromString(data))
        if spec is None:
            raise InvalidArgument("Missing ModelSpec")
        return bytes((await status(self._control, spec)).SerializeToString())

    async def reload(self, data: bytes) -> bytes:
        """Applies a new model config. Returns how much the reload increased each metric that the request names."""
        request = messages.ReloadConfigRequest.FromString(data)
        names: Sequence[str] = request.metric_names
        before = await self._counts(names)
        await self._control.reload(request.config.SerializeToString())
        response = messages.ReloadConfigResponse()
        response.status.SetInParent()
        for name, count in (await self._counts(names)).items():
            response.metric.add(name=name, int64_value_increase=count - before[name])
        return bytes(response.SerializeToString())

    async def list_models(self, data: bytes) -> bytes:
        """Returns a `ModelServerConfig` with the names of all models. Ignores the request."""
        config = messages.ModelServerConfig()
        config.model_config_list.SetInParent()
        for model in await self._control.models():
            config.model_config_list.config.add(name=model.name)
        return bytes(config.SerializeToString())

    def services(self, memory: MessageMemory) -> list[grpc.GenericRpcHandler]:
        """Returns the handlers for `grpc.aio.Server.add_generic_rpc_handlers`. `memory` limits their messages."""
        calls: dict[str, dict[str, Call]] = {
            "tensorflow.serving.PredictionService": {
                "Predict": self.predict,
                "Classify": self.classify,
                "Regress": self.regress,
                "MultiInference": self.multi_inference,
                "GetModelMetadata": self.get_model_metadata,
            },
            "tensorflow.serving.ModelService": {
                "GetModelStatus": self.get_model_status,
                "HandleReloadConfigRequest": self.reload,
            },
            "keras_gallery.ModelList": {"List": self.list_models},
        }
        control = memory.for_control()
        streamed = memory.for_control(LARGE_MESSAGE)  # the budget does not have the messages of streams
        methods = {
            service: {
                name: observed(name, call, self._observer, memory if name in _LONG else control)
                for name, call in each.items()
            }
            for service, each in calls.items()
        }
        if self._health:
            watch = self._health.watch
            methods[grpc_health.SERVICE] = {
                "Check": unary(self._health.check, control),
                "Watch": grpc.unary_stream_rpc_method_handler(stream(lambda data: watch(streamed.unpack(data)))),
            }
        if self._reflection:
            reflection = grpc_reflection.Reflection([*methods, *grpc_reflection.SERVICES], streamed.unpack)
            answer = grpc.stream_stream_rpc_method_handler(stream(reflection.answer))
            methods |= {name: {"ServerReflectionInfo": answer} for name in grpc_reflection.SERVICES}
        known = [grpc.method_handlers_generic_handler(service, calls) for service, calls in methods.items()]
        return [*known, Unknown()]

    def stop(self) -> None:
        """Reports to health clients that the server stops. Call this before the server drains."""
        if self._health:
            self._health.stop()

    async def _counts(self, names: Iterable[str]) -> dict[str, int]:
        """Returns the value of each counter by name, such as /tensorflow/serving/request_count.

        The value is the sum over all labels. An unknown name has the value 0.
        """
        counts = dict.fromkeys(names, 0)
        printed = {name.replace("/", ":"): name for name in counts}
        for line in (await self._control.metrics()).splitlines() if counts else []:
            if name := printed.get(line.partition("{")[0].partition(" ")[0]):
                counts[name] += int(float(line.rpartition(" ")[2]))
        return counts


def _spec(request: Any) -> ModelSpec | None:
    return model_spec(request.model_spec) if request.HasField("model_spec") else None


def _encode(response: Any, spec: ModelSpec) -> bytes:
    response.model_spec.MergeFromString(encode_spec(spec))
    return bytes(response.SerializeToString())


def metadata(inference: Inference, spec: ModelSpec) -> Any:
    """Returns a `GetModelMetadataResponse` with the signatures of a model version."""
    with inference.models.using(spec) as servable:
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        signatures = messages.SignatureDefMap()
        for name, definition in servable.meta_graph.signature_def.items():
            signatures.signature_def[name].CopyFrom(definition)
        response.metadata["signature_def"].Pack(signatures)
        return response


async def status(control: Control, spec: ModelSpec) -> Any:
    """Returns a `GetModelStatusResponse`. Ignores a version label, as TensorFlow Serving does."""
    response = messages.GetModelStatusResponse()
    for version in await control.status(spec.name, spec.version):
        entry = response.model_version_status.add(version=version.number, state=version.state.value)
        entry.status.SetInParent()
        if version.error_code != "OK":
            entry.status.error_code = grpc.StatusCode[version.error_code].value[0]
            entry.status.error_message = version.error_message
    return response
