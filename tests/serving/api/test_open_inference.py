"""The Open Inference Protocol over real gRPC and HTTP, with the requests of tritonclient and with our own."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.open_inference import grpc_messages, json_bodies
from keras_gallery.serving.wire.open_inference.tensors import DATA_TYPES

from ..fake_models import definition, serve, signatures
from . import triton_client
from .front_server import FrontServer, refusal
from .rest.rest_client import Control
from .triton_client import IN_JSON, VALUES

RECORDED = json.loads(Path(triton_client.__file__).with_suffix(".json").read_text(encoding="utf-8"))
SERVICE = "/inference.GRPCInferenceService/"
X = {"x": "float"}


@pytest.fixture(scope="module")
def front() -> Iterator[FrontServer]:
    """A server whose model "m" has a signature for each data type, which returns its inputs x and y."""
    both = {name: {key: DATA_TYPES[name].name for key in ("x", "y")} for name in VALUES}
    models = serve(
        signatures(
            *((definition(name, types, types), lambda inputs: inputs) for name, types in both.items()),
            (definition("serving_default", X, {"z": "float"}), lambda inputs: {"z": inputs["x"] * 2}),
            (definition("wide", X, {"z": "float"}), lambda inputs: {"z": np.ones((1, 1 << 20), np.float32)}),
            (definition("complex", X, {"z": "complex64"}), lambda inputs: {"z": np.ones(1, np.complex64)}),
            (definition("broken", X, {"z": "float"}), lambda inputs: 1 / 0),
        )
    )
    control = Control()
    with FrontServer(models, control, rest={"max_request_bytes": 5_000_000}) as running:
        yield running


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        size = self.headers.get("inference-header-content-length")
        return json.loads(self.body[: int(size) if size else None])

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the outputs, binary or in JSON."""
        found, at = {}, int(self.headers.get("inference-header-content-length", 0))
        for each in self.json["outputs"]:
            size, dtype = each.get("parameters", {}).get("binary_data_size"), DATA_TYPES[each["datatype"]].numpy
            if size is None:
                found[each["name"]] = np.array(each["data"], dtype).reshape(each["shape"])
            elif each["datatype"] != "BYTES":
                found[each["name"]] = np.frombuffer(self.body[at : at + size], dtype).reshape(each["shape"])
            at += size or 0
        assert at in (0, len(self.body))
        return found


def ask(server: FrontServer, path: str, data: bytes | dict[str, Any] | None = None, **headers: str) -> Reply:
    url = f"http://127.0.0.1:{server.rest_port}{path}"
    body = json.dumps(data).encode() if isinstance(data, dict) else data
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, named)) as answer:
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def infer(server: FrontServer, data: bytes | dict[str, Any], version: str = "", **headers: str) -> Reply:
    return ask(server, f"/v2/models/m{version}/infer", data, **headers)


def x(*values: float, **members: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [len(values)], "datatype": "FP32", "data": values}], **members}


# === The official client ===


@pytest.mark.parametrize("name", VALUES)
def test_grpc_requests_of_tritonclient(front: FrontServer, name: str) -> None:
    data = base64.b64decode(RECORDED["grpc"][name])
    answer = messages.ModelInferResponse.FromString(front.call(SERVICE + "ModelInfer", data))
    (output,) = answer.outputs
    assert (answer.model_name, answer.model_version, answer.id) == ("m", "3", "one")
    assert (output.name, output.datatype, list(output.shape)) == ("y", name, [2, 3])
    sent = messages.ModelInferRequest.FromString(data).raw_input_contents[1]
    assert list(answer.raw_output_contents) == [sent]
    front.seen(face="grpc", method="ModelInfer", model="m", version=3, signature=name, status="OK", rows=2)


@pytest.mark.parametrize("name", VALUES)
def test_binary_requests_of_tritonclient(front: FrontServer, name: str) -> None:
    text, size = RECORDED["binary"][name]
    data = base64.b64decode(text)
    reply = infer(front, data, inference_header_content_length=str(size))
    assert reply.status == 200 and reply.headers["content-type"] == "application/octet-stream"
    assert [each["name"] for each in reply.json["outputs"]] == ["x", "y"]
    assert reply.body.endswith(data[size:])
    for array in reply.arrays().values():
        np.testing.assert_array_equal(array, VALUES[name])
    front.seen(face="rest", method="ModelInfer", model="m", signature=name, status="OK", request_bytes=len(data))


@pytest.mark.parametrize("name", IN_JSON)
def test_json_requests_of_tritonclient(front: FrontServer, name: str) -> None:
    reply = infer(front, base64.b64decode(RECORDED["json"][name]), "/versions/3")
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert (reply.json["model_name"], reply.json["model_version"]) == ("m", "3")
    ((key, array),) = reply.arrays().items()
    assert key == "y" and array.dtype == VALUES[name].dtype
    np.testing.assert_array_equal(array, VALUES[name])


def test_messages_have_the_fields_of_the_official_messages() -> None:
    for name, fields in RECORDED["messages"].items():
        assert triton_client.fields(messages.message(name).DESCRIPTOR) == fields
    service = messages.POOL.FindServiceByName("inference.GRPCInferenceService")
    for method in service.methods:
        assert {method.input_type.full_name, method.output_type.full_name} <= RECORDED["messages"].keys()
    assert tuple(service.methods_by_name) == triton_client.METHODS


@pytest.mark.skipif("TRITONCLIENT_PYTHON" not in os.environ, reason="needs TRITONCLIENT_PYTHON=/path/to/python")
def test_tritonclient(front: FrontServer) -> None:
    python, script = os.environ["TRITONCLIENT_PYTHON"], str(triton_client.__file__)
    found = subprocess.run([python, script], check=True, capture_output=True, text=True).stdout
    assert json.loads(found) == RECORDED
    subprocess.run([python, script, str(front.grpc_port), str(front.rest_port)], check=True)


# === Health and metadata ===


def test_health(front: FrontServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def grpc_ready() -> bool:
        return messages.ServerReadyResponse.FromString(front.call(SERVICE + "ServerReady")).ready

    assert ask(front, "/v2/health/live").json == {"live": True}
    assert messages.ServerLiveResponse.FromString(front.call(SERVICE + "ServerLive")).live
    assert ask(front, "/v2/health/ready")[::2] == (200, b'{"ready": true}\n') and grpc_ready()
    monkeypatch.setattr(front.control, "loading", True)
    reply = ask(front, "/v2/health/ready")
    assert reply.status == 503 and reply.json == {"ready": False, "reason": "no version available of z"}
    assert not grpc_ready()


def test_a_server_that_stops_is_not_ready() -> None:
    with FrontServer(signatures((definition(inputs=X), lambda inputs: inputs)), Control()) as running:
        running.api.stop()
        assert not messages.ServerReadyResponse.FromString(running.call(SERVICE + "ServerReady")).ready


@pytest.mark.parametrize(
    ("name", "version", "ready"),
    [
        ("m", "", True),
        ("m", "3", True),
        ("m", "stable", True),
        ("m", "4", False),
        ("m", "new", False),
        ("z", "", False),
    ],
)
def test_model_ready(front: FrontServer, name: str, version: str, ready: bool) -> None:
    request = messages.ModelReadyRequest(name=name, version=version)
    answer = messages.ModelReadyResponse.FromString(front.call(SERVICE + "ModelReady", request))
    assert answer.ready == ready
    reply = ask(front, f"/v2/models/{name}{version and '/versions/'}{version}/ready")
    if ready:
        assert reply[::2] == (200, b'{"name": "m", "ready": true}\n')
    else:
        assert reply.status in (404, 400) and set(reply.json) == {"error"}
    front.seen(face="rest", method="ModelReady", model=name)


def test_metadata(front: FrontServer) -> None:
    answer = messages.ServerMetadataResponse.FromString(front.call(SERVICE + "ServerMetadata"))
    found = ask(front, "/v2").json
    assert found == {"name": answer.name, "version": answer.version, "extensions": list(answer.extensions)}
    assert found["name"] == "keras-gallery" and "binary_tensor_data" in found["extensions"]
    request = messages.ModelMetadataRequest(name="m", version="3")
    model = messages.ModelMetadataResponse.FromString(front.call(SERVICE + "ModelMetadata", request))
    document = ask(front, "/v2/models/m/versions/3").json
    assert document["signatures"]["BYTES"] == {
        side: [{"name": key, "datatype": "BYTES", "shape": [-1]} for key in ("x", "y")]
        for side in ("inputs", "outputs")
    }
    del document["signatures"]
    assert document == {
        "name": "m",
        "versions": ["3"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}],
        "outputs": [{"name": "z", "datatype": "FP32", "shape": [-1]}],
    }
    assert model == messages.ModelMetadataResponse(**document)


# === Inference ===


def test_the_default_signature_and_labels(front: FrontServer) -> None:
    reply = infer(front, x(1, 2.5), "/versions/stable")
    assert reply.json == {
        "model_name": "m",
        "model_version": "3",
        "outputs": [{"name": "z", "datatype": "FP32", "shape": [2], "data": [2.0, 5.0]}],
    }


def test_gzip(front: FrontServer) -> None:
    reply = infer(front, gzip.compress(json.dumps(x(1)).encode()), content_encoding="gzip")
    assert reply.arrays()["z"].tolist() == [2.0]


@pytest.mark.parametrize("name", ["FP32", "BYTES"])
def test_large_bodies(front: FrontServer, name: str) -> None:
    """JSON and strings are read in threads. The answers are written in threads."""
    data = [0.5] * 100_000 if name == "FP32" else ["é"] * 100_000
    each = {"shape": [len(data)], "datatype": name, "data": data}
    inputs = [{"name": "x", **each}, {"name": "y", **each}]
    reply = infer(front, {"inputs": inputs, "parameters": {"signature_name": name}})
    assert [output["data"] for output in reply.json["outputs"]] == [data, data]


@pytest.mark.parametrize("name", ["FP32", "BYTES"])
def test_large_grpc_requests(front: FrontServer, name: str) -> None:
    count = 100_000
    raw = np.ones(count, np.float32).tobytes() if name == "FP32" else b"\1\0\0\0a" * count
    typed = {"fp32_contents": [1.0] * count} if name == "FP32" else {"bytes_contents": [b"a"] * count}
    inputs = [{"name": key, "datatype": name, "shape": [count]} for key in ("x", "y")]
    wanted = {"model_name": "m", "parameters": {"signature_name": {"string_param": name}}}
    request = messages.ModelInferRequest(**wanted, inputs=inputs, raw_input_contents=[raw, raw])
    answer = messages.ModelInferResponse.FromString(front.call(SERVICE + "ModelInfer", request))
    assert list(answer.raw_output_contents) == [raw, raw]
    request = messages.ModelInferRequest(**wanted, inputs=[each | {"contents": typed} for each in inputs])
    answer = messages.ModelInferResponse.FromString(front.call(SERVICE + "ModelInfer", request))
    assert [each.contents for each in answer.outputs] == [messages.InferTensorContents(**typed)] * 2


@pytest.mark.parametrize(("count", "thread"), [(10, False), (600, True)])
def test_many_small_inputs_are_read_in_a_thread(
    front: FrontServer, monkeypatch: pytest.MonkeyPatch, count: int, thread: bool
) -> None:
    """Python needs several microseconds for each input, so very many would stop the event loop."""
    threads: list[str] = []
    for module, name in ((json_bodies, "read"), (grpc_messages, "inputs")):
        monkeypatch.setattr(module, name, functools.partial(_watched, threads, getattr(module, name)))
    each = {"name": "x", "shape": [1], "datatype": "INT8"}
    assert infer(front, {"inputs": [each | {"data": [1]}] * count}).status == 400
    message = messages.ModelInferRequest(model_name="m", inputs=[each | {"contents": {"int_contents": [1]}}] * count)
    assert refusal(front, SERVICE + "ModelInfer", message)[0] == "INVALID_ARGUMENT"
    assert [name.startswith("fair") for name in threads] == [thread, thread]


def _watched(threads: list[str], function: Callable[..., Any], *arguments: Any) -> Any:
    threads.append(threading.current_thread().name)
    return function(*arguments)


# === Errors ===


@pytest.mark.parametrize(
    ("data", "version", "status", "problem"),
    [
        (x(1), "/versions/4", 404, "Servable not found for request: Specific(m, 4)"),
        (x(1), "/versions/new", 400, "Unrecognized servable version label: new"),
        (x(1, parameters={"signature_name": "none"}), "", 400, 'Serving signature key "none" not found.'),
        (x(1, parameters={"signature_name": "INT8"}), "", 400, "input size does not match signature"),
        (x(1, outputs=[{"name": "none"}]), "", 400, "output tensor alias not found in signature: none"),
        (x(1, parameters={"signature_name": "complex"}), "", 400, "has no data type for complex64"),
        (x(1, parameters={"signature_name": "broken"}), "", 500, "ZeroDivisionError"),
        ({"inputs": []}, "", 400, "input size does not match signature: 0!=1"),
        (b"{", "", 400, "JSON Parse error"),
        (b" " * 5_000_001, "", 413, "Received message larger than max"),
    ],
)
def test_rest_errors(front: FrontServer, data: Any, version: str, status: int, problem: str) -> None:
    reply = infer(front, data, version)
    assert reply.status == status and reply.headers["content-type"] == "application/json"
    assert set(reply.json) == {"error"} and problem in reply.json["error"]


def test_a_wrong_header(front: FrontServer) -> None:
    for value in ("-1", "x", "9" * 11):
        reply = infer(front, x(1), inference_header_content_length=value)
        assert reply.status == 400 and "Inference-Header-Content-Length" in reply.json["error"]
    reply = infer(front, x(1), inference_header_content_length="1000")
    assert reply.status == 400 and reply.json["error"].startswith("Expected a body of at least 1000 bytes")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/models/m/infer"),
        ("POST", "/v2/models/m"),
        ("GET", "/v2/"),
        ("GET", "/v2/models"),
        ("POST", "/v2/repository/index"),
        ("GET", "/v2/models/m/versions/3/none"),
    ],
)
def test_other_paths(front: FrontServer, method: str, path: str) -> None:
    reply = ask(front, path, b"{}" if method != "GET" else None)
    assert reply.status == 404 and reply.json["error"] == f"The Open Inference Protocol has no path {method} {path}"


@pytest.mark.parametrize(
    ("request_fields", "code", "problem"),
    [
        ({"model_name": "z"}, "NOT_FOUND", "Servable not found for request: Latest(z)"),
        ({}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ({"model_name": "m", "model_version": "new"}, "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
        ({"model_name": "m"}, "INVALID_ARGUMENT", "input size does not match signature: 0!=1"),
    ],
)
def test_grpc_errors(front: FrontServer, request_fields: dict[str, Any], code: str, problem: str) -> None:
    found, text = refusal(front, SERVICE + "ModelInfer", messages.ModelInferRequest(**request_fields))
    assert found == code and text.startswith(problem)


def test_malformed_grpc_messages(front: FrontServer) -> None:
    assert refusal(front, SERVICE + "ModelInfer", b"\x3a")[0] == "INTERNAL"
    assert refusal(front, SERVICE + "ModelStreamInfer")[0] == "UNIMPLEMENTED"


def test_the_memory_of_binary_strings_is_in_the_budget() -> None:
    types = {"x": "string"}
    models = signatures((definition(inputs=types, outputs=types), lambda inputs: inputs))
    text = json.dumps(
        {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [50_000], "parameters": {"binary_data_size": 200_000}}]}
    ).encode()
    request = messages.ModelInferRequest(
        model_name="m",
        inputs=[{"name": "x", "datatype": "BYTES", "shape": [50_000]}],
        raw_input_contents=[bytes(200_000)],
    )
    with FrontServer(models, Control(), budget=1 << 20) as running:
        running.budget.used = 1  # another request holds memory
        reply = infer(running, text + bytes(200_000), inference_header_content_length=str(len(text)))
        assert reply.status == 429 and "memory budget" in reply.json["error"]
        assert refusal(running, SERVICE + "ModelInfer", request)[0] == "RESOURCE_EXHAUSTED"
        running.budget.used = 0
        assert infer(running, text + bytes(200_000), inference_header_content_length=str(len(text))).status == 200


def test_binary_data_takes_no_memory_for_parsing_json() -> None:
    types = {"x": "int8"}
    size = 2 << 20
    each = {"name": "x", "datatype": "INT8", "shape": [size], "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [each], "parameters": {"binary_data_output": True}}).encode()
    models = signatures((definition(inputs=types, outputs=types), lambda inputs: inputs))
    with FrontServer(models, Control(), budget=1 << 24) as running:
        reply = infer(running, text + b"[" * size, inference_header_content_length=str(len(text)))
        assert reply.status == 200 and reply.body.endswith(b"[" * size)
        refused = infer(running, b'{"inputs": ' + b"[" * size)
        assert refused.status == 429
