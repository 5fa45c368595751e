"""Tests of a server that requires tokens, over gRPC and REST."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2
from keras_gallery.serving.api.rest.application import JSON
from keras_gallery.serving.api.rest.responses import Answer
from keras_gallery.serving.client import Client
from keras_gallery.serving.config.auth_tokens import AuthTokens
from keras_gallery.serving.core.served_models import ServedModel, ServedModels
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus
from keras_gallery.serving.wire import messages

from ..config.test_auth_tokens import entry, written
from ..fake_models import definition, serve, signatures
from .front_server import FrontServer

FLOAT = {"x": "float"}
TOKENS = (
    entry("all", "all"),
    entry("one", "one", models=["m"]),
    entry("none", "none", models=[]),
    entry("monitor", "monitor", models=[], metrics=True),
    entry("admin", "admin", reload=True),
    entry("slow", "slow", requests_per_second=0.001),
)
SIGNATURES = signatures(
    (definition(inputs=FLOAT, outputs={"y": "float"}), lambda inputs: {"y": inputs["x"] * 2}),
    (
        definition("classify", outputs={"scores": "float"}, method="classify"),
        lambda inputs: {"scores": np.ones((1, 2), "f4")},
    ),
)


class Control:
    """The control of a server with the models "m" and "n"."""

    def __init__(self) -> None:
        self.reloads = 0
        self.loading: list[ModelStatus] = []

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        return [VersionStatus(3, State.AVAILABLE)]

    async def models(self) -> list[ModelStatus]:
        return [*[ModelStatus(name, await self.status(name)) for name in ("m", "n")], *self.loading]

    async def metrics(self) -> str:
        return "some_count 1\n"

    async def reload(self, config: bytes) -> None:
        self.reloads += 1


async def everything() -> Answer:
    return Answer(200, JSON, b"{}")


async def card(spec: Any) -> bytes:
    return b"{}"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontServer]:
    tokens = AuthTokens(written(tmp_path_factory.mktemp("tokens"), *TOKENS))
    tokens.read()
    table = ServedModels()
    served = {name: serve(SIGNATURES, name=name).servables()[0] for name in ("m", "n")}
    table.publish({name: ServedModel({3: each}) for name, each in served.items()})
    rest = {
        "metrics_path": "/metrics",
        "routes": {"/": everything, "/docs": everything, "/openapi.json": everything},
        "public": ["/"],
        "card": card,
        "cors": True,
    }
    with FrontServer(table, Control(), tokens=tokens, rest=rest, health=True, reflection=True) as running:
        yield running


def ask(front: FrontServer, method: str, path: str, token: str = "", data: Any = None) -> tuple[int, Any, Any]:
    """Returns the status, the headers and the body of an answer."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{front.rest_port}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def call(front: FrontServer, method: str, token: str = "", message: Any = b"") -> str:
    """Returns the name of the gRPC code of a call."""
    data = message if isinstance(message, bytes) else message.SerializeToString()
    metadata: Sequence[tuple[str, str]] = [("authorization", f"Bearer {token}")] if token else []
    try:
        front.channel.unary_unary(method)(data, timeout=10, metadata=metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


PREDICT = {"instances": [1.0]}
INFER = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}
EXAMPLES = {"signature_name": "classify", "examples": [{}]}
OF_A_MODEL = [
    ("POST", "/v1/models/{}:predict", PREDICT),
    ("POST", "/v1/models/{}:classify", EXAMPLES),
    ("GET", "/v1/models/{}", None),
    ("GET", "/V1/Models/{}", None),
    ("GET", "/v1/models/{}/versions/3", None),
    ("GET", "/v1/models/{}/metadata", None),
    ("GET", "/models/{}/card", None),
    ("GET", "/v2/models/{}", None),
    ("GET", "/v2/models/{}/ready", None),
    ("POST", "/v2/models/{}/infer", INFER),
]


@pytest.mark.parametrize(("method", "path", "data"), OF_A_MODEL)
def test_rest_requests_for_a_model(front: FrontServer, method: str, path: str, data: Any) -> None:
    statuses = {
        (token, model): ask(front, method, path.format(model), token, data)[0]
        for token in ("all", "one", "none", "wrong", "")
        for model in ("m", "n")
    }
    allowed = {("all", "m"), ("all", "n"), ("one", "m")}
    unknown = {(token, model) for token in ("wrong", "") for model in ("m", "n")}
    assert {key for key, status in statuses.items() if status == 200} == allowed
    assert {key for key, status in statuses.items() if status == 401} == unknown
    assert {status for key, status in statuses.items() if key not in allowed | unknown} == {403}


def test_a_missing_model_is_not_revealed(front: FrontServer) -> None:
    for path in ("/v1/models/z", "/v1/models/z/metadata", "/v2/models/z", "/models/z/card"):
        status, _, body = ask(front, "GET", path, "one")
        assert status == 403 and b"The token one is not for the model z." in body


def test_the_health_does_not_name_models(front: FrontServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front.control, "loading", [ModelStatus("secret", [VersionStatus(1, State.LOADING)])])
    for path in ("/readyz", "/v2/health/ready"):
        status, _, body = ask(front, "GET", path)
        assert status == 503 and json.loads(body)["reason"] == "no version available of some models"


def test_other_rest_paths(front: FrontServer) -> None:
    tokens = ("", "none", "all", "monitor")
    expected = {
        "/livez": (200, 200, 200, 200),
        "/readyz": (200, 200, 200, 200),
        "/v2/health/live": (200, 200, 200, 200),
        "/v2/health/ready": (200, 200, 200, 200),
        "/": (200, 200, 200, 200),
        "/docs": (401, 403, 200, 403),
        "/openapi.json": (401, 403, 200, 403),
        "/metrics": (401, 403, 403, 200),
        "/metrics?x": (401, 403, 403, 400),
        "/models": (401, 200, 200, 200),
        "/v1/models?list": (401, 200, 200, 200),
        "/v2": (401, 200, 200, 200),
        "/nothing": (401, 404, 404, 404),
        "/v1/nothing": (401, 400, 400, 400),
    }
    assert {path: tuple(ask(front, "GET", path, each)[0] for each in tokens) for path in expected} == expected
    for method in ("OPTIONS", "POST", "HEAD", "PUT"):
        assert ask(front, method, "/metrics")[0] == 401, method
    assert ask(front, "POST", "/livez")[0] == 404


def test_the_list_has_only_the_models_of_the_token(front: FrontServer) -> None:
    def listed(token: str) -> list[str]:
        return [each["name"] for each in json.loads(ask(front, "GET", "/models", token)[2])["models"]]

    assert (listed("all"), listed("one"), listed("none")) == (["m", "n"], ["m"], [])
    for target in (f"127.0.0.1:{front.grpc_port}", f"http://127.0.0.1:{front.rest_port}"):
        with Client(target, token="one") as client:
            assert client.models() == ["m"]


def test_headers_of_refusals(front: FrontServer) -> None:
    status, headers, body = ask(front, "GET", "/models")
    assert status == 401 and headers["www-authenticate"] == "Bearer"
    assert json.loads(body) == {"error": "Expected the header authorization: Bearer TOKEN."}
    front.seen(face="rest", method="Authenticate", status="UNAUTHENTICATED")
    assert ask(front, "GET", "/models", "slow")[0] == 200
    status, headers, body = ask(front, "GET", "/models", "slow")
    assert status == 429 and 900 < int(headers["retry-after"]) <= 1000
    assert b"at most 0.001 requests per second of slow" in body
    assert call(front, "/keras_gallery.ModelList/List", "slow") == "RESOURCE_EXHAUSTED"


def test_preflight_requests_need_no_token(front: FrontServer) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{front.rest_port}/v1/models/m:predict", headers={"origin": "http://a"}, method="OPTIONS"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["access-control-allow-headers"] == "Content-Type, Authorization"


TENSOR = messages.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1}]}, float_val=[1])
EXAMPLE = {"example_list": {"examples": [{}]}}
SERVING, V2 = "/tensorflow.serving.PredictionService/", "/inference.GRPCInferenceService/"
CALLS = {
    SERVING + "Predict": lambda spec: messages.PredictRequest(model_spec=spec, inputs={"x": TENSOR}),
    SERVING + "Classify": lambda spec: messages.ClassificationRequest(
        model_spec=spec | {"signature_name": "classify"}, input=EXAMPLE
    ),
    SERVING + "MultiInference": lambda spec: messages.MultiInferenceRequest(
        tasks=[{"model_spec": spec | {"signature_name": "classify"}, "method_name": "tensorflow/serving/classify"}],
        input=EXAMPLE,
    ),
    SERVING + "GetModelMetadata": lambda spec: messages.GetModelMetadataRequest(
        model_spec=spec, metadata_field=["signature_def"]
    ),
    "/tensorflow.serving.ModelService/GetModelStatus": lambda spec: messages.GetModelStatusRequest(model_spec=spec),
    V2 + "ModelReady": lambda spec: messages.ModelReadyRequest(**spec),
    V2 + "ModelMetadata": lambda spec: messages.ModelMetadataRequest(**spec),
    V2 + "ModelInfer": lambda spec: messages.ModelInferRequest(
        model_name=spec["name"],
        inputs=[{"name": "x", "datatype": "FP32", "shape": [1], "contents": {"fp32_contents": [1]}}],
    ),
}


@pytest.mark.parametrize("method", CALLS)
def test_grpc_calls_for_a_model(front: FrontServer, method: str) -> None:
    codes = {
        (token, model): call(front, method, token, CALLS[method]({"name": model}))
        for token in ("all", "one", "wrong", "")
        for model in ("m", "n")
    }
    assert codes == {
        ("all", "m"): "OK",
        ("all", "n"): "OK",
        ("one", "m"): "OK",
        ("one", "n"): "PERMISSION_DENIED",
        **{(token, model): "UNAUTHENTICATED" for token in ("wrong", "") for model in ("m", "n")},
    }


def test_other_grpc_calls(front: FrontServer) -> None:
    tokens = ("", "one", "all", "admin")
    reload = messages.ReloadConfigRequest(config={"model_config_list": {}})
    expected = {
        V2 + "ServerLive": ("OK", "OK", "OK", "OK"),
        V2 + "ServerReady": ("OK", "OK", "OK", "OK"),
        "/grpc.health.v1.Health/Check": ("OK", "OK", "OK", "OK"),
        V2 + "ServerMetadata": ("UNAUTHENTICATED", "OK", "OK", "OK"),
        "/keras_gallery.ModelList/List": ("UNAUTHENTICATED", "OK", "OK", "OK"),
    }
    assert {method: tuple(call(front, method, each) for each in tokens) for method in expected} == expected
    method = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
    codes = [call(front, method, each, reload) for each in tokens]
    assert codes == ["UNAUTHENTICATED", "PERMISSION_DENIED", "PERMISSION_DENIED", "OK"]
    assert front.control.reloads == 1
    front.seen(face="grpc", method="HandleReloadConfigRequest", status="UNAUTHENTICATED")
    watch = front.channel.unary_stream("/grpc.health.v1.Health/Watch")
    assert health_pb2.HealthCheckResponse.FromString(next(watch(b"", timeout=10))).status == 1


def test_reflection_needs_a_token(front: FrontServer) -> None:
    reflect = front.channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    question = messages.message("grpc.reflection.v1.ServerReflectionRequest")(list_services="*").SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        next(reflect(iter([question]), timeout=10))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    answer = next(reflect(iter([question]), timeout=10, metadata=[("authorization", "Bearer none")]))
    assert b"inference.GRPCInferenceService" in answer


@pytest.mark.parametrize("rest", [False, True], ids=["grpc", "rest"])
def test_the_client_sends_its_token(front: FrontServer, rest: bool) -> None:
    target = f"http://127.0.0.1:{front.rest_port}" if rest else f"127.0.0.1:{front.grpc_port}"
    with Client(target, token="one") as client:
        client.remember("m", {"serving_default": SIGNATURES["serving_default"].definition})
        assert client.predict("m", np.float32([1.5]))["y"].tolist() == [3.0]
        assert client.status("m") == {3: "AVAILABLE"}
        with pytest.raises(PermissionDenied, match="not for the model n"):
            client.status("n")
    with Client(target) as client, pytest.raises(Unauthenticated, match="authorization: Bearer TOKEN"):
        client.status("m")
    front.seen(face="rest" if rest else "grpc", method="Predict", status="OK", model="m")
    with Client(target, token="slow") as client, pytest.raises(ResourceExhausted):
        client.status("m")
        client.status("m")


@pytest.mark.parametrize("token", ["", "a b", "é", "a\n"])
def test_the_client_refuses_other_characters(token: str) -> None:
    with pytest.raises(InvalidArgument, match="Expected a token of letters, digits"):
        Client("localhost:1", token=token)
