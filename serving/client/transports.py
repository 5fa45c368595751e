"""Sends the requests of a client over gRPC or REST."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

import grpc
import httpx
import numpy as np
from google.protobuf import json_format

from ..errors import (
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    Unavailable,
    from_code,
    from_http_status,
)
from ..saved_model import signatures_of
from ..wire import dtypes, messages, tensor
from ..wire.json import values as json_values
from ..wire.predict import ModelSpec, encode_request, encode_spec
from ..wire.signature import SignatureDef

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


class Transport(Protocol):
    """Sends requests to a server. This module has a transport for gRPC and a transport for REST."""

    def predict(self, spec: ModelSpec, signature: SignatureDef, inputs: Mapping[str, Array]) -> Arrays: ...
    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]: ...
    def status(self, spec: ModelSpec) -> dict[int, str]: ...
    def models(self) -> list[str]: ...
    def close(self) -> None: ...


class GrpcTransport:
    """Sends requests over gRPC.

    Args:
        target: host and port of the server.
        timeout: time limit for each request in seconds.
        max_bytes: maximum size of a response in bytes; -1: no limit.
        token: the token that the server requires; None for no token.
    """

    def __init__(self, target: str, timeout: float, max_bytes: int = -1, token: str | None = None) -> None:
        self._timeout = timeout
        self._metadata = [] if token is None else [("authorization", f"Bearer {token}")]
        self._target = target
        # Otherwise all clients in a process would share a connection, and one worker process of the server would answer
        # all of them.
        own = ("grpc.use_local_subchannel_pool", 1)
        sizes = [("grpc.max_receive_message_length", max_bytes), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(target, options=[own, *sizes])

    def predict(self, spec: ModelSpec, signature: SignatureDef, inputs: Mapping[str, Array]) -> Arrays:
        request = encode_request(ModelSpec(spec.name, spec.version, signature=signature.name), inputs)
        answer = self._rpc("/tensorflow.serving.PredictionService/Predict", request)
        outputs = messages.PredictResponse.FromString(answer).outputs
        return {name: tensor.to_array(proto) for name, proto in outputs.items()}

    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.ParseFromString(encode_spec(spec))
        answer = self._rpc("/tensorflow.serving.PredictionService/GetModelMetadata", request.SerializeToString())
        signature_map = messages.SignatureDefMap()
        messages.GetModelMetadataResponse.FromString(answer).metadata["signature_def"].Unpack(signature_map)
        return signatures_of(signature_map)

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
            return self._method(method)(data, timeout=self._timeout, metadata=self._metadata)  # type: ignore[no-any-return]
        except grpc.RpcError as error:
            message = _without_graph_nodes(error.details() or error.code().name)
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                message = f"No model server at {self._target}: {message}"
            raise from_code(error.code().name, message) from None

    @functools.cache  # noqa: B019  (a transport has few methods)
    def _method(self, method: str) -> Any:
        return self._channel.unary_unary(method)


class RestTransport:
    """Sends requests over REST. The arguments are those of `GrpcTransport`."""

    def __init__(self, target: str, timeout: float, token: str | None = None) -> None:
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._target = target
        self._url = target.rstrip("/") + "/v1/models/"
        # Reading the certificates of authorities takes longer than a request.
        encrypted = not target.lower().startswith("http:")
        self._http = httpx.Client(timeout=timeout, trust_env=False, verify=encrypted, headers=headers)

    def predict(self, spec: ModelSpec, signature: SignatureDef, inputs: Mapping[str, Array]) -> Arrays:
        body = {"signature_name": signature.name, "inputs": {k: json_values.plain(v) for k, v in inputs.items()}}
        outputs = self._call("POST", self._url + _path(spec) + ":predict", body)["outputs"]
        if len(signature.outputs) == 1:
            outputs = {next(iter(signature.outputs)): outputs}
        try:
            return {name: _from_json(outputs[name], each.dtype) for name, each in signature.outputs.items()}
        except (KeyError, TypeError, ValueError, InvalidArgument):  # a newer version of the model answered
            names = ", ".join(signature.outputs)
            raise FailedPrecondition(f"The answer of {signature.name} does not have the outputs {names}.") from None

    def signatures(self, spec: ModelSpec) -> dict[str, SignatureDef]:
        document = self._call("GET", self._url + _path(spec) + "/metadata")["metadata"]["signature_def"]
        signature_map = messages.SignatureDefMap()
        json_format.ParseDict(document, signature_map, ignore_unknown_fields=True)
        return signatures_of(signature_map)

    def status(self, spec: ModelSpec) -> dict[int, str]:
        entries = self._call("GET", self._url + _path(spec))["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in entries}

    def models(self) -> list[str]:
        return [model["name"] for model in self._call("GET", self._target.rstrip("/") + "/models")["models"]]

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, url: str, body: Any = None) -> Any:
        try:
            content = None if body is None else json_values.dumps(body)
            answer = self._http.request(method, url, content=content)
        except httpx.TimeoutException:
            raise DeadlineExceeded(f"No answer from {self._target} within the timeout.") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"No model server at {self._target}: {error}") from None
        try:
            document = json_values.loads(answer.content)
        except InvalidArgument:
            document = None
        if isinstance(document, dict) and answer.is_success:
            return document
        if isinstance(document, dict):
            raise from_http_status(answer.status_code, _without_graph_nodes(str(document.get("error", document))))
        message = f"Expected a JSON object from {url}. Received: HTTP status {answer.status_code}"
        raise Internal(message) if answer.is_success else from_http_status(answer.status_code, message)


def _without_graph_nodes(message: str) -> str:
    """Removes the last lines of an error message if they are TensorFlow's list of graph nodes."""
    return message.partition("\n\t [[{{")[0]


def _path(spec: ModelSpec) -> str:
    return quote(spec.name, safe="") + ("" if spec.version is None else f"/versions/{spec.version}")


def _from_json(value: Any, dtype: dtypes.DataType) -> Array:
    return json_values.strings(value) if dtype is dtypes.STRING else np.asarray(value, dtype.numpy)
