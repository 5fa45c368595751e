"""Tests of the gRPC API over a real connection. The models are Python functions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.api.grpc.services import GrpcApi
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.errors import InvalidArgument, NotFound, ServingError
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.observe.observer import Observer
from keras_gallery.serving.wire import messages, predict
from keras_gallery.serving.wire.model_spec import ModelSpec

from ....random_inputs import random_inputs
from ...fake_models import definition, record, serve, signatures
from ..front_server import FrontServer, refusal

PREDICTION, MODEL = "/tensorflow.serving.PredictionService/", "/tensorflow.serving.ModelService/"
COUNT = "/tensorflow/serving/request_count"


class Control:
    """The control of a server with one model. A reload increases a counter."""

    def __init__(self) -> None:
        self.configs: list[bytes] = []

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        if name != "m":
            raise NotFound(f"Could not find any versions of model {name}")
        return [VersionStatus(4, State.END, "DATA_LOSS", "why"), VersionStatus(3, State.AVAILABLE)]

    async def reload(self, config: bytes) -> None:
        if not config:
            raise InvalidArgument("no list")
        self.configs.append(config)

    async def models(self) -> list[ModelStatus]:
        return [ModelStatus("m", await self.status("m"))]

    async def metrics(self) -> str:
        name = COUNT.replace("/", ":")
        counts = f'{name}{{s="NOT_FOUND"}} 1\n{name}{{s="OK"}} {5 + 2 * len(self.configs)}\n'
        return f"# TYPE {name} counter\n{counts}"


class Slow:
    """A model that waits until `leave` is set, and records whether it was called."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, inputs: Arrays) -> Mapping[str, Any]:
        self.entered.set()
        assert self.leave.wait(30)
        return {"y": inputs["x"]}


def fail(_: Arrays) -> Mapping[str, Any]:
    raise ValueError("a bug\nin two lines")


SLOW = Slow()
SIGNATURES = signatures(
    (definition("double", {"x": "float"}, {"y": "float"}), lambda inputs: {"y": inputs["x"] * 2}),
    (definition("slow", {"x": "float"}, {"y": "float"}), SLOW),
    (definition("bug", {"x": "float"}, {"y": "float"}), fail),
    (
        definition("classify", outputs={"scores": "float"}, method="classify"),
        lambda inputs: {"scores": np.ones((len(inputs["inputs"]), 2), np.float32)},
    ),
    (definition(method="regress"), lambda inputs: {"outputs": np.ones(len(inputs["inputs"]), np.float32)}),
)


class Server(FrontServer):
    """A server of the model "m" with the signatures above."""

    def __init__(self, **options: Any) -> None:
        super().__init__(SIGNATURES, Control(), **options)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def request(signature: str, **inputs: Any) -> bytes:
    return predict.encode_request(ModelSpec("m", signature=signature), inputs)


X = np.arange(3, dtype=np.float32)
INPUT = {"example_list": {"examples": [{}, {}]}}


# === Answers ===


def test_predict(server: Server) -> None:
    answer = messages.PredictResponse.FromString(server.call(PREDICTION + "Predict", request("double", x=X)))
    assert list(answer.outputs["y"].float_val) == [0, 2, 4]
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("m", 3)
    assert answer.model_spec.signature_name == "double"


def test_tensor_content() -> None:
    with Server(as_content=True) as other:
        answer = messages.PredictResponse.FromString(other.call(PREDICTION + "Predict", request("double", x=X)))
        assert np.frombuffer(answer.outputs["y"].tensor_content, np.float32).tolist() == [0, 2, 4]


def test_classify_and_regress(server: Server) -> None:
    message = messages.ClassificationRequest(model_spec={"name": "m", "signature_name": "classify"}, input=INPUT)
    classified = messages.ClassificationResponse.FromString(server.call(PREDICTION + "Classify", message))
    assert [[each.score for each in row.classes] for row in classified.result.classifications] == [[1, 1], [1, 1]]
    assert classified.model_spec.signature_name == "classify"
    message = messages.RegressionRequest(model_spec={"name": "m"}, input=INPUT)
    regressed = messages.RegressionResponse.FromString(server.call(PREDICTION + "Regress", message))
    assert [each.value for each in regressed.result.regressions] == [1, 1]
    assert regressed.model_spec.version.value == 3


def test_multi_inference(server: Server) -> None:
    tasks = [{"model_spec": {"name": "m"}, "method_name": "tensorflow/serving/regress"}]
    message = messages.MultiInferenceRequest(tasks=tasks, input=INPUT)
    answer = messages.MultiInferenceResponse.FromString(server.call(PREDICTION + "MultiInference", message))
    assert [each.value for each in answer.results[0].regression_result.regressions] == [1, 1]


def test_status(server: Server) -> None:
    message = messages.GetModelStatusRequest(model_spec={"name": "m", "version_label": "ignored"})
    answer = messages.GetModelStatusResponse.FromString(server.call(MODEL + "GetModelStatus", message))
    states = [(each.version, each.state, each.status.error_code) for each in answer.model_version_status]
    assert states == [(4, 50, 15), (3, 30, 0)]
    assert [each.status.error_message for each in answer.model_version_status] == ["why", ""]
    assert answer.model_version_status[1].HasField("status")


def test_metadata(server: Server) -> None:
    message = messages.GetModelMetadataRequest(model_spec={"name": "m"}, metadata_field=["signature_def"] * 2)
    answer = messages.GetModelMetadataResponse.FromString(server.call(PREDICTION + "GetModelMetadata", message))
    signature_map = messages.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signature_map)
    assert signature_map.signature_def["classify"].method_name == "tensorflow/serving/classify"
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("m", 3)


def test_reload(server: Server) -> None:
    config = messages.ModelServerConfig(model_config_list={"config": [{"name": "n", "base_path": "/n"}]})
    message = messages.ReloadConfigRequest(config=config, metric_names=[COUNT, "/nothing", COUNT, "#"])
    answer = messages.ReloadConfigResponse.FromString(server.call(MODEL + "HandleReloadConfigRequest", message))
    assert answer.HasField("status") and answer.status.error_code == 0
    assert messages.ModelServerConfig.FromString(server.control.configs[-1]) == config
    assert {each.name: each.int64_value_increase for each in answer.metric} == {COUNT: 2, "/nothing": 0, "#": 0}
    message = messages.ReloadConfigRequest(metric_names=[COUNT])
    assert refusal(server, MODEL + "HandleReloadConfigRequest", message) == ("INVALID_ARGUMENT", "no list")


def test_reload_can_be_turned_off() -> None:
    config = messages.ModelServerConfig(model_config_list={"config": [{"name": "n", "base_path": "/n"}]})
    with Server(allow_reload=False) as server:
        message = messages.ReloadConfigRequest(config=config)
        code, details = refusal(server, MODEL + "HandleReloadConfigRequest", message)
        assert (code, details) == (
            "PERMISSION_DENIED",
            "HandleReloadConfigRequest is turned off (--allow_reload=false).",
        )
        assert not server.control.configs


def test_list_of_models(server: Server) -> None:
    config = messages.ModelServerConfig.FromString(server.call("/keras_gallery.ModelList/List"))
    assert [each.name for each in config.model_config_list.config] == ["m"]


# === Errors ===

METHODS = ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]
EVERY = [*(PREDICTION + name for name in METHODS), MODEL + "GetModelStatus", MODEL + "HandleReloadConfigRequest"]


@pytest.mark.parametrize("method", EVERY)
def test_malformed_messages(server: Server, method: str) -> None:
    assert refusal(server, method, b"\xff\xff\xff\xff") == ("INTERNAL", "")


@pytest.mark.parametrize("method", EVERY)
def test_missing_model_spec(server: Server, method: str) -> None:
    details = {
        PREDICTION + "MultiInference": "ModelSpec has no name specified.",
        MODEL + "HandleReloadConfigRequest": "no list",
    }.get(method, "Missing ModelSpec")
    assert refusal(server, method) == ("INVALID_ARGUMENT", details)


@pytest.mark.parametrize(
    ("name", "fields", "details"),
    [
        ("", [], "GetModelMetadataRequest must specify at least one metadata_field"),
        ("", ["signature_def", "x"], "Metadata field x is not supported"),
        ("", ["signature_def"], "ModelSpec has no name specified."),
    ],
)
def test_metadata_requests(server: Server, name: str, fields: list[str], details: str) -> None:
    message = messages.GetModelMetadataRequest(model_spec={"name": name}, metadata_field=fields)
    assert refusal(server, PREDICTION + "GetModelMetadata", message) == ("INVALID_ARGUMENT", details)


def test_status_without_a_model_name(server: Server) -> None:
    message = messages.GetModelStatusRequest(model_spec={})
    assert refusal(server, MODEL + "GetModelStatus", message) == ("NOT_FOUND", "Could not find any versions of model ")


@pytest.mark.parametrize(
    "method",
    [PREDICTION + "Nothing", "/tensorflow.serving.SessionService/SessionRun", "/a/b", MODEL + "Predict", "/x"],
)
def test_unknown_methods(server: Server, method: str) -> None:
    assert refusal(server, method) == ("UNIMPLEMENTED", "")


def test_bugs_are_logged_with_a_traceback(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal(server, PREDICTION + "Predict", request("bug", x=X)) == (
        "INTERNAL",
        "ValueError: a bug\nin two lines",
    )
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("letter", ["a", "ž", "🎈", "%"])
@pytest.mark.parametrize("count", [100, 3_000, 100_000])
def test_long_error_messages_are_shortened(server: Server, letter: str, count: int) -> None:
    """gRPC clients reject trailers over 8 KiB. The server cuts messages where TensorFlow Serving does."""
    data = predict.encode_request(ModelSpec(letter * count), {})
    code, details = refusal(server, PREDICTION + "Predict", data)
    assert code == "NOT_FOUND"
    assert details.startswith("Servable not found for request: Latest(" + letter * 100)
    assert details.endswith(")" if count == 100 else "...TRUNCATED")


def test_too_many_names_and_tasks(server: Server) -> None:
    outputs = predict.encode_request(ModelSpec("m"), {}, tuple(map(str, range(10_001))))
    assert refusal(server, PREDICTION + "Predict", outputs)[0] == "INVALID_ARGUMENT"
    tasks = messages.MultiInferenceRequest(tasks=[{}] * 1001).SerializeToString()
    assert refusal(server, PREDICTION + "MultiInference", tasks) == (
        "INVALID_ARGUMENT", "Expected at most 1000 tasks. Received: 1001"
    )  # fmt: skip


# === Observed requests ===


def test_observed_requests(server: Server) -> None:
    data = request("double", x=X[:1])
    server.call(PREDICTION + "Predict", data)
    seen = server.seen(rows=1)
    assert (seen.face, seen.method, seen.status) == ("grpc", "Predict", "OK")
    assert (seen.model, seen.version, seen.signature, seen.engine) == ("m", 3, "double", "python")
    assert (seen.request_bytes, seen.peer.rpartition(":")[0]) == (len(data), "127.0.0.1")
    assert 0 < seen.runtime_seconds < seen.seconds
    refusal(server, PREDICTION + "Classify", messages.ClassificationRequest(model_spec={"name": "n"}))
    seen = server.seen(model="n")
    assert (seen.method, seen.status, seen.version) == ("Classify", "NOT_FOUND", None)


# === Deadlines ===


@pytest.mark.parametrize("end", ["deadline", "cancel"])
def test_a_call_ends_at_its_deadline_or_when_it_is_cancelled(server: Server, end: str) -> None:
    SLOW.entered.clear()
    SLOW.leave.clear()
    try:
        call = server.channel.unary_unary(PREDICTION + "Predict").future(
            request("slow", x=X), timeout=0.3 if end == "deadline" else 30
        )
        assert SLOW.entered.wait(10)
        if end == "cancel":
            call.cancel()
            assert call.cancelled()
        else:
            assert call.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert server.ended.wait(10)  # although the model is still running
        server.seen(signature="slow", status="CANCELLED" if end == "cancel" else "DEADLINE_EXCEEDED")
    finally:
        SLOW.leave.set()


# === Random bytes ===

SPEC = {"name": "m", "signature_name": "double"}
WHOLE = {
    "predict": request("double", x=X),
    "classify": messages.ClassificationRequest(model_spec=SPEC, input=INPUT).SerializeToString(),
    "regress": messages.RegressionRequest(model_spec={"name": "m"}, input=INPUT).SerializeToString(),
    "multi_inference": messages.MultiInferenceRequest(tasks=[{"model_spec": SPEC}], input=INPUT).SerializeToString(),
    "get_model_metadata": messages.GetModelMetadataRequest(model_spec=SPEC, metadata_field=["x"]).SerializeToString(),
    "get_model_status": messages.GetModelStatusRequest(model_spec=SPEC).SerializeToString(),
    "reload": messages.ReloadConfigRequest(metric_names=["x"]).SerializeToString(),
}


@pytest.mark.parametrize("name", WHOLE)
@random_inputs(150)
@given(data=st.data())
def test_random_bytes_raise_only_expected_errors(name: str, data: st.DataObject) -> None:
    mangled = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(mangled)))
        mangled[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    inference = Inference(serve(SIGNATURES))
    try:
        asyncio.run(getattr(GrpcApi(inference, Control(), Observer(Metrics())), name)(bytes(mangled), record()))
    except (DecodeError, ServingError):
        pass
    finally:
        inference.close()
