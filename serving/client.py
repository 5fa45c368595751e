"""Asks a model server to encode, decode, denoise: one client for gRPC and REST, without TensorFlow.

    with Client("localhost:8500") as client:                  # or "http://localhost:8501"
        code = client.encode("denoising_autoencoder", images)
        clean = client.denoise("denoising_autoencoder", noisy)

It speaks TensorFlow Serving's API, so that the server may be the real one or ours.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import quote

import grpc
import httpx
import numpy as np
from google.protobuf import json_format

from .errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NotFound,
    Unavailable,
    Unimplemented,
    from_code,
    from_http_status,
)
from .saved_model import DEFAULT_SIGNATURE, SignatureDef, signatures_of
from .wire import dtypes, json_predict, messages, tensor
from .wire.predict import ModelSpec, encode_request, encode_spec

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


class Transport(Protocol):
    """Carries requests; gRPC and REST are the two there are."""

    def predict(self, spec: ModelSpec, inputs: Mapping[str, Array]) -> Arrays: ...
    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]: ...
    def status(self, spec: ModelSpec) -> dict[int, str]: ...
    def models(self) -> list[str]: ...
    def close(self) -> None: ...


class Client:
    """A connection to a model server.

    Args:
        target: "host:port" for gRPC, "http://host:port" for REST.
        timeout: the deadline of each call, in seconds.
        transport: carries the requests in place of a connection to `target`.

    Every call raises a `ServingError` where it fails: `NotFound` for an unknown model, `InvalidArgument` for input that
    the model refuses, `DeadlineExceeded`, `Unavailable` where there is no server, and so on.
    """

    def __init__(self, target: str, *, timeout: float = 30.0, transport: Transport | None = None) -> None:
        if timeout <= 0:
            raise InvalidArgument(f"Expected a timeout above 0 seconds. Received: {timeout}")
        if transport is not None:
            self._transport = transport
        elif target.startswith(("http://", "https://")):
            self._transport = RestTransport(target, timeout)
        else:
            self._transport = GrpcTransport(target, timeout)
        self._signatures: dict[ModelSpec, dict[str, SignatureDef]] = {}

    def encode(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Codes (batch, code_dim) of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return self._one("encode", model, images, version)

    def decode(self, model: str, codes: Any, *, version: int | None = None) -> Array:
        """Images (batch, …) of codes (batch, code_dim), float32."""
        return self._one("decode", model, codes, version)

    def denoise(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Clean images for noisy ones (batch, …), float32, or for a list of PNG or JPEG files as bytes."""
        return self._one("denoise", model, images, version)

    def reconstruct(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Images encoded and decoded again, (batch, …), float32."""
        return self._one("reconstruct", model, images, version)

    def score(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Reconstruction error (batch,) of images, float32: large for what is unlike the training data."""
        return self._one("score", model, images, version)

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Any] | Any,
        *,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
    ) -> Arrays:
        """Runs any signature.

        Args:
            model: the model's name.
            inputs: arrays by input name, or one array for a signature with one input. They are cast to the dtypes
                that the signature declares where nothing but precision is lost.
            signature: the signature's name.
            version: the version; the server's latest by default.

        Returns:
            Arrays by output name; strings as object arrays of bytes.
        """
        spec = ModelSpec(model, version, signature=signature)
        definition = self.signatures(model, version=version).get(signature)
        if definition is None:
            known = ", ".join(sorted(self.signatures(model, version=version)))
            raise InvalidArgument(f"Expected a signature of {model}: {known}. Received: {signature}")
        if not isinstance(inputs, Mapping):
            if len(definition.inputs) != 1:
                names = ", ".join(sorted(definition.inputs))
                raise InvalidArgument(f"Expected inputs by name for {signature}: {names}. Received: one array")
            inputs = {next(iter(definition.inputs)): inputs}
        return self._transport.predict(spec, {k: _cast(k, v, definition) for k, v in inputs.items()})

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, SignatureDef]:
        """The signatures of a model by name: names, dtypes and shapes of inputs and outputs."""
        spec = ModelSpec(model, version)
        if spec not in self._signatures:
            self._signatures[spec] = self._transport.signatures(spec)
        return self._signatures[spec]

    def models(self) -> list[str]:
        """The names of all models that the embedded server has. Raises Unimplemented for any other server."""
        try:
            return self._transport.models()
        except (NotFound, Unimplemented):
            raise Unimplemented(
                "Expected the embedded server: TensorFlow Serving can't list its models. Received: another server"
            ) from None

    def status(self, model: str, *, version: int | None = None) -> dict[int, str]:
        """The state of each version of a model, such as {2: "AVAILABLE", 1: "END"}, highest first."""
        return self._transport.status(ModelSpec(model, version))

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _one(self, signature: str, model: str, value: Any, version: int | None) -> Array:
        """The only output of a signature; its form for files where `value` is a list of bytes."""
        if isinstance(value, bytes):
            value = [value]
        if isinstance(value, Sequence) and value and all(isinstance(item, bytes) for item in value):
            signature, value = f"{signature}_png", np.array([*value, b""], object)[:-1]
        (output,) = self.predict(model, value, signature=signature, version=version).values()
        return output


def _cast(name: str, value: Any, definition: SignatureDef) -> Array:
    """An input as the array that the signature wants; what makes no sense goes as it is, for the server to refuse."""
    array = np.asarray(value)
    spec = definition.inputs.get(name)
    if spec is None or array.dtype == spec.dtype.numpy:
        return array
    if spec.dtype is dtypes.STRING and array.dtype.kind in "SUT":
        strings = np.empty(array.size, object)
        strings[:] = [tensor.as_bytes(item) for item in array.ravel().tolist()]
        return strings.reshape(array.shape)
    if array.dtype.kind in "iuf" and np.can_cast(array.dtype, spec.dtype.numpy, "same_kind"):
        return array.astype(spec.dtype.numpy)
    return array


class GrpcTransport:
    """Requests over gRPC."""

    def __init__(self, target: str, timeout: float) -> None:
        self._timeout = timeout
        self._target = target
        sizes = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(target, options=sizes)

    def predict(self, spec: ModelSpec, inputs: Mapping[str, Array]) -> Arrays:
        answer = self._rpc("/tensorflow.serving.PredictionService/Predict", encode_request(spec, inputs))
        outputs = messages.PredictResponse.FromString(answer).outputs
        return {name: tensor.to_array(proto) for name, proto in outputs.items()}

    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.ParseFromString(encode_spec(spec))
        answer = self._rpc("/tensorflow.serving.PredictionService/GetModelMetadata", request.SerializeToString())
        found = messages.SignatureDefMap()
        messages.GetModelMetadataResponse.FromString(answer).metadata["signature_def"].Unpack(found)
        return signatures_of(found)

    def status(self, spec: ModelSpec) -> dict[int, str]:
        request = messages.GetModelStatusRequest()
        request.model_spec.ParseFromString(encode_spec(spec))
        answer = self._rpc("/tensorflow.serving.ModelService/GetModelStatus", request.SerializeToString())
        entries = messages.GetModelStatusResponse.FromString(answer).model_version_status
        return {entry.version: messages.ModelVersionStatus.State.Name(entry.state) for entry in entries}

    def models(self) -> list[str]:
        answer = self._rpc("/keras_gallery.ModelList/List", b"")
        return [each.name for each in messages.ModelServerConfig.FromString(answer).model_config_list.config]

    def close(self) -> None:
        self._channel.close()

    def _rpc(self, method: str, data: bytes) -> bytes:
        try:
            return self._method(method)(data, timeout=self._timeout)  # type: ignore[no-any-return]
        except grpc.RpcError as error:
            message = error.details() or error.code().name
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                message = f"Expected a model server at {self._target}. Received: {message}"
            raise from_code(error.code().name, message) from None

    @functools.cache  # noqa: B019  (as long as the transport itself)
    def _method(self, method: str) -> Any:
        return self._channel.unary_unary(method)


class RestTransport:
    """Requests over REST."""

    def __init__(self, target: str, timeout: float) -> None:
        self._target = target
        self._url = target.rstrip("/") + "/v1/models/"
        self._http = httpx.Client(timeout=timeout, trust_env=False)

    def predict(self, spec: ModelSpec, inputs: Mapping[str, Array]) -> Arrays:
        body = {"signature_name": spec.signature, "inputs": {k: _to_json(v) for k, v in inputs.items()}}
        outputs = self._call("POST", self._url + _path(spec) + ":predict", body)["outputs"]
        definition = self.signatures(ModelSpec(spec.name, spec.version))[spec.signature]
        if len(definition.outputs) == 1:
            outputs = {next(iter(definition.outputs)): outputs}
        return {name: _from_json(value, definition.outputs[name].dtype) for name, value in outputs.items()}

    @functools.cache  # noqa: B019
    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        document = self._call("GET", self._url + _path(spec) + "/metadata")["metadata"]["signature_def"]
        found = messages.SignatureDefMap()
        json_format.ParseDict(document, found, ignore_unknown_fields=True)
        return signatures_of(found)

    def status(self, spec: ModelSpec) -> dict[int, str]:
        entries = self._call("GET", self._url + _path(spec))["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in entries}

    def models(self) -> list[str]:
        return list(self._call("GET", self._target.rstrip("/") + "/models")["models"])

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, url: str, body: Any = None) -> Any:
        try:
            content = None if body is None else json_predict.dumps(body)
            answer = self._http.request(method, url, content=content, headers={"content-type": "application/json"})
        except httpx.TimeoutException:
            raise DeadlineExceeded(f"Expected an answer from {self._target} in time. Received: none") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"Expected a model server at {self._target}. Received: {error}") from None
        try:
            document = json_predict.loads(answer.content)
        except InvalidArgument:
            document = None
        if isinstance(document, dict) and answer.is_success:
            return document
        if isinstance(document, dict):
            raise from_http_status(answer.status_code, str(document.get("error", document)))
        message = f"Expected a JSON object from {url}. Received: HTTP status {answer.status_code}"
        raise Internal(message) if answer.is_success else from_http_status(answer.status_code, message)


def _path(spec: ModelSpec) -> str:
    return quote(spec.name, safe="") + ("" if spec.version is None else f"/versions/{spec.version}")


def _to_json(array: Array) -> Any:
    if array.dtype.kind not in "OSUT":
        return np.ascontiguousarray(array).reshape(array.shape)

    def one(item: Any) -> Any:
        if isinstance(item, list):
            return [one(inner) for inner in item]
        return {"b64": base64.b64encode(tensor.as_bytes(item)).decode()}

    return one(array.tolist())


def _from_json(value: Any, row: dtypes.DataType) -> Array:
    return json_predict.strings(value) if row is dtypes.STRING else np.asarray(value, row.numpy)
