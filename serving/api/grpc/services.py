"""The gRPC API: PredictionService, ModelService, the list of models, and the services of other modules."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ... import fair_threads
from ...config.auth_tokens import AuthTokens
from ...core.examples import ExampleInference
from ...core.inference import Inference, named
from ...core.predictions import Task
from ...engines.base import are_at_most
from ...errors import Code, InvalidArgument, PermissionDenied
from ...lifecycle.versions import ModelStatus, VersionStatus
from ...limits import Budget
from ...observe.observation import Observation
from ...observe.observer import Observer
from ...processes.control import Control
from ...wire import merging, messages, predict
from ...wire.model_spec import ModelSpec, encode_spec, model_spec
from . import health as grpc_health
from .application import GrpcApplication, Method, observed, stream, unary
from .decoding import QUICK_ENCODE, decode
from .open_inference import SERVICE as OPEN_INFERENCE
from .open_inference import OpenInference
from .protocol import CONTROL_BYTES, LARGE_MESSAGE

MAX_TASKS = 1000  # of a MultiInference request
MAX_NAMES = 10_000  # inputs and outputs of a Predict request
_LONG = ("Predict", "Classify", "Regress", "MultiInference", "ModelInfer")  # methods whose requests may be large


class GrpcApi:
    """The methods of the gRPC API. Each converts the bytes of a request to the bytes of the answer.

    The methods also complete the record of the request.

    Args:
        inference: runs the loaded models.
        control: status, reload and metrics of the whole server.
        observer: records each request.
        as_content: whether outputs are sent in `tensor_content` instead of the `*_val` fields.
        health: whether to serve the health service.
        reflection: whether to serve reflection.
        allow_reload: whether clients may replace the model config.
        tokens: the tokens that clients must send; None for no tokens.
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
        allow_reload: bool = True,
        tokens: AuthTokens | None = None,
    ) -> None:
        self._inference = inference
        self._examples = ExampleInference(inference)
        self._open_inference = OpenInference(inference, control)
        self._control = control
        self._observer = observer
        self._as_content = as_content
        self._allow_reload = allow_reload
        self._health = grpc_health.Health() if health else None
        self._reflection = reflection
        self._tokens = tokens

    async def predict(self, data: bytes, request: Observation) -> bytes:
        message = predict.decode_quickly(data) or await decode(predict.decode_request, len(data), request, data)
        count = len(message.inputs) + len(message.outputs)
        if count > MAX_NAMES:
            raise InvalidArgument(f"Expected at most {MAX_NAMES} inputs and outputs. Received: {count}")
        spec, outputs = await self._inference.predict(message.spec, message.inputs, message.outputs, request)
        encode = functools.partial(predict.encode_response, spec, outputs, as_content=self._as_content)
        if are_at_most(outputs, QUICK_ENCODE):
            return encode()
        return bytes(await fair_threads.call(False, request.client, encode))

    async def classify(self, data: bytes, request: Observation) -> bytes:
        message = await decode(merging.parse, len(data), request, messages.ClassificationRequest, data)
        spec, result = await self._examples.classify(_spec(message), message.input, request)
        return await self._encode(result, spec, request)

    async def regress(self, data: bytes, request: Observation) -> bytes:
        message = await decode(merging.parse, len(data), request, messages.RegressionRequest, data)
        spec, result = await self._examples.regress(_spec(message), message.input, request)
        return await self._encode(result, spec, request)

    async def multi_inference(self, data: bytes, request: Observation) -> bytes:
        message = await decode(merging.parse, len(data), request, messages.MultiInferenceRequest, data)
        if len(message.tasks) > MAX_TASKS:
            raise InvalidArgument(f"Expected at most {MAX_TASKS} tasks. Received: {len(message.tasks)}")
        tasks = [Task(model_spec(task.model_spec), task.method_name) for task in message.tasks]
        return bytes((await self._examples.multi(tasks, message.input, request)).SerializeToString())

    async def _encode(self, result: Any, spec: ModelSpec, request: Observation) -> bytes:
        is_quick = result.ByteSize() <= QUICK_ENCODE
        return bytes(await fair_threads.call(is_quick, request.client, _encode, result, spec))

    async def get_model_metadata(self, data: bytes, request: Observation) -> bytes:
        message = messages.GetModelMetadataRequest.FromString(data)
        spec = _spec(message)
        if spec is None:
            raise InvalidArgument("Missing ModelSpec")
        fields: Sequence[str] = message.metadata_field
        if not fields:
            raise InvalidArgument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in fields:
            if field != "signature_def":
                raise InvalidArgument(f"Metadata field {field} is not supported")
        return bytes(metadata(self._inference, named(spec), request).SerializeToString())

    async def get_model_status(self, data: bytes, request: Observation) -> bytes:
        spec = _spec(messages.GetModelStatusRequest.FromString(data))
        if spec is None:
            raise InvalidArgument("Missing ModelSpec")
        return bytes((await status(self._control, spec, request)).SerializeToString())

    async def reload(self, data: bytes, request: Observation) -> bytes:
        """Applies a new model config. Returns how much the reload increased each metric that the request names."""
        if not self._allow_reload:
            raise PermissionDenied("HandleReloadConfigRequest is turned off (--allow_reload=false).")
        if request.access:
            request.access.check("reload")
        message = messages.ReloadConfigRequest.FromString(data)
        names: Sequence[str] = message.metric_names
        before = await self._counts(names)
        await self._control.reload(message.config.SerializeToString())
        response = messages.ReloadConfigResponse()
        response.status.SetInParent()
        for name, count in (await self._counts(names)).items():
            response.metric.add(name=name, int64_value_increase=count - before[name])
        return bytes(response.SerializeToString())

    async def list_models(self, data: bytes, request: Observation) -> bytes:
        """Returns a `ModelServerConfig` with the names of the models that the client may use. Ignores the request."""
        config = messages.ModelServerConfig()
        config.model_config_list.SetInParent()
        for model in await models_of(self._control, request):
            config.model_config_list.config.add(name=model.name)
        return bytes(config.SerializeToString())

    def application(self, max_bytes: int, budget: Budget) -> GrpcApplication:
        """Returns the ASGI application.

        Args:
            max_bytes: maximum size of a request in bytes.
            budget: the memory budget of all requests.
        """
        calls: dict[str, dict[str, Callable[[bytes, Observation], Awaitable[bytes]]]] = {
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
            OPEN_INFERENCE: self._open_inference.observed,
        }
        control = min(max_bytes, CONTROL_BYTES)
        methods: dict[str, Method] = {
            f"/{service}/{name}": observed(name, call, self._observer, max_bytes if name in _LONG else control)
            for service, each in calls.items()
            for name, call in each.items()
        }
        for name, answer in self._open_inference.health.items():
            methods[f"/{OPEN_INFERENCE}/{name}"] = unary(answer, LARGE_MESSAGE)
        services = [*calls]
        if self._health:
            services.append(grpc_health.SERVICE)
            methods[f"/{grpc_health.SERVICE}/Check"] = unary(self._health.check, LARGE_MESSAGE)
            methods[f"/{grpc_health.SERVICE}/Watch"] = stream(self._health.watch, LARGE_MESSAGE, is_open=True)
        if self._reflection:
            from . import reflection  # imports `grpc`, which takes 40 MB

            services += reflection.SERVICES
            reflect = stream(reflection.Reflection(services).answer, LARGE_MESSAGE)
            methods |= {f"/{name}/ServerReflectionInfo": reflect for name in reflection.SERVICES}
        return GrpcApplication(methods, budget, self._tokens)

    def stop(self) -> None:
        """Reports to health clients that the server stops. Call this before the server drains."""
        self._open_inference.stop()
        if self._health:
            self._health.stop()

    async def _counts(self, names: Iterable[str]) -> dict[str, int]:
        """Returns the value of each counter by name, such as /tensorflow/serving/request_count.

        The value is the sum over all labels. An unknown name has the value 0.
        """
        counts = dict.fromkeys(names, 0)
        printed = {name.replace("/", ":"): name for name in counts}
        for line in (await self._control.metrics()).splitlines() if counts else []:
            if not line.startswith("#") and (name := printed.get(line.partition("{")[0].partition(" ")[0])):
                counts[name] += int(float(line.rpartition(" ")[2]))
        return counts


def _spec(request: Any) -> ModelSpec | None:
    return model_spec(request.model_spec) if request.HasField("model_spec") else None


def _encode(result: Any, spec: ModelSpec) -> bytes:
    """Writes the answer of Classify or Regress: `result` is field 1, and the model is field 2."""
    content = bytes(result.SerializeToString())
    return predict.encode_field(0x0A, content) + predict.encode_field(0x12, encode_spec(spec))


def metadata(inference: Inference, spec: ModelSpec, request: Observation) -> Any:
    """Returns a `GetModelMetadataResponse` with the signatures of a model version."""
    with inference.models.using(spec, request) as servable:
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        signatures = messages.SignatureDefMap()
        for name, definition in servable.meta_graph.signature_def.items():
            signatures.signature_def[name].CopyFrom(definition)
        response.metadata["signature_def"].Pack(signatures)
        return response


async def models_of(control: Control, request: Observation) -> list[ModelStatus]:
    """Returns the configured models that the client may use, by name."""
    access = request.access
    return [model for model in await control.models() if access is None or access.allows(model.name)]


async def versions_of(control: Control, spec: ModelSpec, request: Observation) -> list[VersionStatus]:
    """Returns the status of the versions of a model. Ignores a version label, as TensorFlow Serving does.

    Raises NotFound for an unknown model or version, and PermissionDenied if the client may not use the model.
    """
    if request.access:
        request.access.check_model(spec.name)
    return await control.status(spec.name, spec.version)


async def status(control: Control, spec: ModelSpec, request: Observation) -> Any:
    """Returns a `GetModelStatusResponse`. Raises the errors of `versions_of`."""
    response = messages.GetModelStatusResponse()
    for version in await versions_of(control, spec, request):
        entry = response.model_version_status.add(version=version.number, state=version.state.value)
        entry.status.SetInParent()
        if version.error_code != "OK":
            entry.status.error_code = Code[version.error_code].value
            entry.status.error_message = version.error_message
    return response
