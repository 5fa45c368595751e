"""Tests of a real server. The clients are TensorFlow Serving's gRPC stubs, curl and plain sockets."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from keras_gallery.serving.client import Client
from keras_gallery.serving.errors import Code, ServingError
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port

from ... import waiting
from ..conftest import MODEL, embedded_only

until = partial(waiting.until, seconds=60, pause=0.05)


@pytest.fixture(scope="module")
def stub(server: ServerProcess) -> Iterator[Any]:
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with grpc.insecure_channel(server.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request(signature: str, model: str = MODEL, **inputs: Any) -> Any:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    message = predict_pb2.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def curl(server: ServerProcess, path: str, body: Any = None) -> tuple[int, Any]:
    """Sends a request with curl. Returns the HTTP status and the JSON of the response."""
    command = ["curl", "--silent", "--write-out", "\n%{http_code}", server.rest + path]
    if body is not None:
        command += ["--data-binary", "@-"]
    answer = subprocess.run(command, input=json.dumps(body).encode(), capture_output=True, check=True).stdout
    text, _, status = answer.decode().rpartition("\n")
    return int(status), json.loads(text)


# === Outputs that equal Keras ===


@pytest.mark.parametrize("batch", [1, 7])
def test_official_stub(stub: Any, keras_model: Any, images: Any, batch: int) -> None:
    import tensorflow as tf

    x = images[:batch]
    denoised = tf.make_ndarray(stub.Predict(request("denoise", image=x), 30).outputs["denoised"])
    np.testing.assert_allclose(denoised, keras_model.predict(x, verbose=0), atol=1e-4)
    code = tf.make_ndarray(stub.Predict(request("encode", image=x), 30).outputs["code"])
    np.testing.assert_allclose(code, keras_model.get_layer("encoder").predict(x, verbose=0), atol=1e-4)


def test_official_stub_with_files(stub: Any, keras_model: Any, images: Any, png_files: list[bytes]) -> None:
    import tensorflow as tf

    answer = stub.Predict(request("denoise_png", image_bytes=png_files), 60)
    denoised = tf.make_ndarray(answer.outputs["denoised"])
    np.testing.assert_allclose(denoised, keras_model.predict(images, verbose=0), atol=1e-4)
    assert (answer.model_spec.name, answer.model_spec.version.value) == (MODEL, 1)
    assert answer.model_spec.signature_name == "denoise_png"


def test_curl(server: ServerProcess, keras_model: Any, images: Any) -> None:
    want = keras_model.predict(images, verbose=0)
    body = {"signature_name": "denoise", "instances": images.tolist()}
    status, answer = curl(server, f"/v1/models/{MODEL}:predict", body)
    assert status == 200
    np.testing.assert_allclose(answer["predictions"], want, atol=1e-4)
    body = {"signature_name": "denoise", "inputs": {"image": images.tolist()}}
    status, answer = curl(server, f"/v1/models/{MODEL}/versions/1:predict", body)
    np.testing.assert_allclose(answer["outputs"], want, atol=1e-4)
    status, answer = curl(server, f"/v1/models/{MODEL}:predict", {"instances": images.tolist()})
    np.testing.assert_allclose(answer["predictions"], want, atol=1e-4)


def test_curl_with_files(server: ServerProcess, keras_model: Any, images: Any, png_files: list[bytes]) -> None:
    rows = [{"b64": base64.b64encode(file).decode()} for file in png_files]
    body = {"signature_name": "encode_png", "instances": rows}
    status, answer = curl(server, f"/v1/models/{MODEL}:predict", body)
    assert status == 200
    want = keras_model.get_layer("encoder").predict(images, verbose=0)
    np.testing.assert_allclose(answer["predictions"], want, atol=1e-4)


def test_status_and_metadata(server: ServerProcess, stub: Any) -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2

    available = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert curl(server, f"/v1/models/{MODEL}") == (200, {"model_version_status": [available]})
    status, answer = curl(server, f"/v1/models/{MODEL}/metadata")
    encode = answer["metadata"]["signature_def"]["signature_def"]["encode"]
    assert status == 200 and encode["inputs"]["image"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in encode["inputs"]["image"]["tensor_shape"]["dim"]] == ["-1", "8", "8", "1"]

    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    message.model_spec.name = MODEL
    signature_map = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(message, 30).metadata["signature_def"].Unpack(signature_map)
    assert signature_map.signature_def["encode"].outputs["code"].tensor_shape.dim[1].size == 5


# === Bad requests ===

X = np.zeros((1, 8, 8, 1), np.float32)
BAD_CALLS = {
    "unknown model": (
        lambda: request("encode", "nobody", image=X),
        "NOT_FOUND",
        "Servable not found for request: Latest(nobody)",
    ),
    "unknown signature": (
        lambda: request("colour", image=X),
        "FAILED_PRECONDITION",
        'Serving signature key "colour" not found.',
    ),
    "wrong input name": (
        lambda: request("encode", picture=X),
        "INVALID_ARGUMENT",
        "Signature input alias: image(feed name: encode_image:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {picture}, or default input alias set: ",
    ),
    "one input too many": (
        lambda: request("encode", image=X, other=X),
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=1 len({image,other}) != len({image}). "
        "Sent extra: {other}. Missing but required: {}.",
    ),
    "wrong dtype": (
        lambda: request("encode", image=X.astype(np.int32)),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be float but int32 is provided",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_have_the_errors_of_tensorflow_serving(stub: Any, case: str) -> None:
    make, code, message = BAD_CALLS[case]
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(make(), 30)
    assert (caught.value.code().name, caught.value.details()) == (code, message)  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(8, 8, 1), (1, 9, 8, 1), (1, 8, 8, 3), (1, 64)])
def test_wrong_shape(stub: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request("encode", image=np.zeros(shape, np.float32)), 30)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]


BAD_BODIES = {
    "unknown model": ("nobody:predict", {"instances": []}, 404, "Servable not found for request: Latest(nobody)"),
    "unknown version": (
        f"{MODEL}/versions/9:predict",
        {"instances": []},
        404,
        f"Servable not found for request: Specific({MODEL}, 9)",
    ),
    "unknown signature": (
        f"{MODEL}:predict",
        {"signature_name": "colour", "instances": []},
        400,
        'Serving signature name: "colour" not found in signature def',
    ),
    "neither inputs nor instances": (
        f"{MODEL}:predict",
        {"signature_name": "encode", "x": 1},
        400,
        "Missing 'inputs' or 'instances' key",
    ),
    "GET instead of POST": (MODEL + ":predict", None, 400, f"Malformed request: GET /v1/models/{MODEL}:predict"),
    "no model name": ("", None, 400, "Malformed request: GET /v1/models/"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_bad_bodies_have_the_errors_of_tensorflow_serving(server: ServerProcess, case: str) -> None:
    path, body, status, message = BAD_BODIES[case]
    assert curl(server, f"/v1/models/{path}", body) == (status, {"error": message})


def test_text_instead_of_numbers(server: ServerProcess) -> None:
    status, answer = curl(server, f"/v1/models/{MODEL}:predict", {"inputs": "text"})
    assert status == 400 and "is not of expected type: float" in answer["error"]


# === Server process ===


@embedded_only()
def test_the_server_never_imports_tensorflow() -> None:
    code = (
        "import sys, keras_gallery.serving.server.model_server\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_sigterm_waits_for_requests_in_progress(saved_models: Path, server_kind: str, tmp_path: Path) -> None:
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess(server_kind, {MODEL: saved_models / MODEL}, log=tmp_path / "log", **ports) as server:
        server.wait_until_ready()
        assert server.process is not None
        answers: list[Any] = []
        body = json.dumps({"instances": np.zeros((64, 8, 8, 1)).tolist()}).encode()
        host, port = server.rest.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as slow:
            head = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            slow.sendall(head.encode() + body[:100])
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            slow.sendall(body[100:])
            answers.append(slow.recv(100))
        assert answers[0].startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0


def test_a_new_version_takes_over_without_a_failed_request(
    saved_models: Path, server_kind: str, tmp_path: Path, keras_model: Any
) -> None:
    root = shutil.copytree(saved_models, tmp_path / "saved_models")
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess(server_kind, {MODEL: root / MODEL}, log=tmp_path / "log", **ports) as server:
        server.wait_until_ready()
        stop, failures, count = threading.Event(), [], 0

        def ask() -> None:
            nonlocal count
            with Client(server.grpc) as client:
                while not stop.is_set():
                    try:
                        client.encode(MODEL, X)
                        count += 1
                    except ServingError as error:
                        failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        shutil.copytree(root / MODEL / "1", root / "copy")
        (root / "copy").rename(root / MODEL / "2")
        try:
            with Client(server.rest) as client:
                until(lambda: client.status(MODEL) == {2: "AVAILABLE", 1: "END"})
        finally:
            stop.set()
            asking.join()
        assert not failures and count > 10


def test_a_broken_version_does_not_affect_the_old_one(saved_models: Path, server_kind: str, tmp_path: Path) -> None:
    root = shutil.copytree(saved_models, tmp_path / "saved_models")
    ports = {"port": free_port(), "rest_port": free_port()}
    log = tmp_path / "log"
    flags = ["--max_num_load_retries=0"]
    with ServerProcess(server_kind, {MODEL: root / MODEL}, log=log, flags=flags, **ports) as server:
        server.wait_until_ready()
        shutil.copytree(root / MODEL / "1", root / "copy")
        whole = (root / "copy" / "saved_model.pb").read_bytes()
        (root / "copy" / "saved_model.pb").write_bytes(whole[: len(whole) // 2])
        (root / "copy").rename(root / MODEL / "2")
        with Client(server.rest) as client:
            until(lambda: client.status(MODEL).get(2) == "END")
            assert client.status(MODEL)[1] == "AVAILABLE"
            assert client.encode(MODEL, X).shape == (1, 5)
        _, answer = curl(server, f"/v1/models/{MODEL}/versions/2")
        assert answer["model_version_status"][0]["status"]["error_code"] != "OK"


# === Command line ===


def run_server(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keras_gallery.serving.server.model_server", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@embedded_only()
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--prot=1"], "did you mean --port?"),
        (["--port=x", "--model_base_path=m"], "--port"),
        (["--port=70000", "--model_base_path=m"], "at most 65535"),
        ([], "No model to serve: set --model_base_path or --model_config_file"),
        (["--model_config_file=/nowhere"], "Cannot read the model config file /nowhere: "),
    ],
)
def test_errors_for_bad_flags_have_one_line(flags: list[str], message: str) -> None:
    done = run_server(*flags)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1


@embedded_only()
def test_a_port_in_use(saved_models: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        for flag, other in (("port", "rest_api_port"), ("rest_api_port", "port")):
            done = run_server(
                f"--{flag}={port}", f"--{other}={free_port()}", f"--model_base_path={saved_models / MODEL}"
            )
            assert done.returncode == 2
            assert f"Cannot listen on 0.0.0.0:{port} (--{flag}): " in done.stderr


@embedded_only()
def test_a_request_above_the_size_limit(saved_models: Path, tmp_path: Path) -> None:
    ports = {"port": free_port(), "rest_port": free_port()}
    flags = ["--max_request_bytes=20000"]
    log = tmp_path / "log"
    with ServerProcess("embedded", {MODEL: saved_models / MODEL}, log=log, flags=flags, **ports) as server:
        server.wait_until_ready()
        for target in (server.grpc, server.rest):
            with Client(target) as client:
                with pytest.raises(ServingError, match="larger than max") as caught:
                    client.encode(MODEL, np.zeros((200, 8, 8, 1), np.float32))
                assert caught.value.code is Code.RESOURCE_EXHAUSTED
                assert client.encode(MODEL, X).shape == (1, 5)
