"""Tests of the REST application without sockets."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.api.rest import models
from keras_gallery.serving.api.rest.application import CORS
from keras_gallery.serving.wire.json.predict import Body

from ....random_inputs import random_inputs
from .rest_client import MODELS, PREDICT, Client, refusal, slow


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.inference.close()


# === The API ===


def test_rows(client: Client) -> None:
    reply = client.post({"instances": [1, 2.5]})
    assert reply[:2] == (200, {"content-type": "application/json"})
    assert json.loads(reply.body) == {"predictions": [3.0, 6.0]}


@pytest.mark.parametrize("version", ["", "/versions/3", "/labels/stable"])
def test_columns(client: Client, version: str) -> None:
    reply = client.post({"inputs": {"x": [1]}}, f"/v1/models/m{version}:predict")
    assert json.loads(reply.body) == {"outputs": [3.0]}


def test_text(client: Client) -> None:
    reply = client.post({"signature_name": "text", "instances": ["a", {"b64": "/w=="}]})
    assert [row["b64"] for row in json.loads(reply.body)["predictions"]] == ["YQ==", "/w=="]


@pytest.mark.parametrize("count", [1_000, 300_000], ids=["on the event loop", "in a thread"])
@pytest.mark.parametrize("ending", ["", " and more"], ids=["document", "document and more text"])
def test_large_bodies(client: Client, count: int, ending: str) -> None:
    body = '{"instances": [' + "0.5, " * count + "1]}" + ending
    assert json.loads(client.ask("POST", PREDICT, body.encode()).body)["predictions"] == [2.0] * count + [3.0]


@pytest.mark.parametrize("content", [b'"instances": [1, 2]', b'"instances": ["x"]', b'"signature_name": "z"'])
def test_a_long_body_is_freed_before_the_garbage_collector_runs(
    client: Client, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    freed = []
    discard = Body.discard

    def watched(body: Body) -> None:
        discard(body)
        freed.append((body.document.members, gc.isenabled()))

    monkeypatch.setattr(Body, "discard", watched)
    wanted = client.ask("POST", PREDICT, b"{" + content + b"}")
    assert not freed
    monkeypatch.setattr(models, "LONG", 8)
    monkeypatch.setattr(models, "QUICK_BODY_BYTES", 8)
    assert client.ask("POST", PREDICT, b"{" + content + b"}") == wanted
    assert freed == [([], False)] and gc.isenabled()


def test_classify(client: Client) -> None:
    reply = client.post({"signature_name": "classify", "examples": [{"x": 1.0}]}, "/v1/models/m:classify")
    assert json.loads(reply.body) == {"results": [[["a", 0.25], ["a", 0.75]]]}


def test_regress(client: Client) -> None:
    reply = client.post({"signature_name": "regress", "examples": [{}, {}]}, "/v1/models/m/versions/3:regress")
    assert json.loads(reply.body) == {"results": [1.0, 1.0]}


def test_status(client: Client) -> None:
    reply = client.ask("GET", "/v1/models/m")
    assert reply.body.startswith(b'{\n "model_version_status": [\n  {\n   "version": "4",\n   "state": "END",\n')
    assert b"w\\u003ch\\u003ey" in reply.body
    states = json.loads(reply.body)["model_version_status"]
    assert [(each["version"], each["state"], each["status"]["error_code"]) for each in states] == [
        ("4", "END", "DATA_LOSS"),
        ("3", "AVAILABLE", "OK"),
    ]


def test_metadata(client: Client) -> None:
    reply = client.ask("GET", "/v1/models/m/metadata")
    assert reply.body.startswith(
        b'{\n"model_spec":{\n "name": "m",\n "version": "3",\n "signature_name": ""\n}\n,\n"meta'
    )
    signature_map = json.loads(reply.body)["metadata"]["signature_def"]["signature_def"]
    assert signature_map["classify"]["method_name"] == "tensorflow/serving/classify"
    assert signature_map["text"]["inputs"] == {}


# === Errors ===


@pytest.mark.parametrize(
    ("path", "document", "status", "message"),
    [
        (PREDICT, [1], 400, "JSON Value: [1] Is not object"),
        (PREDICT, {"instances": [["a"]]}, 400,
         "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: String is "
         "not of expected type: float"),
        (PREDICT, {"signature_name": "z", "instances": [1]}, 400,
         'Serving signature name: "z" not found in signature def'),
        ("/v1/models/z:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(z)"),
        ("/v1/models/z:predict", [], 400, "JSON Value: [] Is not object"),
        ("/v1/models/%ff:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(\ufffd)"),
        ("/v1/models/m/versions/9:predict", {"instances": [1]}, 404, "Servable not found for request: Specific(m, 9)"),
        ("/v1/models/m/labels/z:classify", {"examples": [{}]}, 400, "Unrecognized servable version label: z"),
        ("/v1/models/m:regress", {"examples": []}, 400,
         "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
        (PREDICT, {"signature_name": "broken", "instances": [1]}, 500, "RuntimeError: no"),
    ],
)  # fmt: skip
def test_errors(client: Client, path: str, document: Any, status: int, message: str) -> None:
    reply = client.post(document, path)
    text = reply.body.decode(errors="replace")
    assert (reply.status, json.loads(text)["error"]) == (status, message)


def test_a_signature_that_needs_tensorflow(client: Client) -> None:
    defined = MODELS.servables()[0].meta_graph.signature_def
    defined["denoise_png"].method_name = "tensorflow/serving/predict"
    try:
        for path, content in ((PREDICT, {"instances": [1]}), ("/v1/models/m:classify", {"examples": [{}]})):
            error = refusal(client.post({"signature_name": "denoise_png", **content}, path), 400)
            assert error.startswith(
                'The signature "denoise_png" needs TensorFlow, which is not installed on the server.'
            )
    finally:
        del defined["denoise_png"]


def test_error_bodies_are_formatted_as_in_tensorflow_serving(client: Client) -> None:
    assert client.ask("GET", "/v1/models").body == b'{\n    "error": "Missing model name in request."\n}'


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_version_over_64_bits_is_answered_without_a_body(client: Client, method: str) -> None:
    path = "/v1/models/m/versions/99999999999999999999" + (":predict" if method == "POST" else "")
    assert client.ask(method, path) == (400, {"content-type": "application/json"}, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/", 404, "Not Found"), ("GET", "/v1", 404, "Not Found"), ("GET", "/v3/models/m", 404, "Not Found"),
        ("POST", "/models", 404, "Not Found"), ("OPTIONS", "/nothing", 404, "Not Found"),
        ("GET", "/monitoring/prometheus/metrics", 404, "Not Found"), ("GET", "/v1/models/m%zz", 400, "Bad Request"),
        ("GET", "/v1/models/m?a=%", 400, "Bad Request"), ("TRACE", "/v1/models/m", 501, "Not Implemented"),
    ],
)  # fmt: skip
def test_error_pages_outside_of_the_api(client: Client, method: str, path: str, status: int, title: str) -> None:
    reply = client.ask(method, path)
    assert (reply.status, reply.headers) == (status, {"content-type": "text/html"})
    assert f"<TITLE>{status} {title}</TITLE>" in reply.body.decode()


def test_head_has_no_body(client: Client) -> None:
    assert client.ask("HEAD", "/v1/models/m").body == b""
    assert client.ask("HEAD", "/nothing").status == 404
    assert client.ask("HEAD", "/livez").status == 200


@random_inputs(100)
@given(st.binary(max_size=40), st.sampled_from(["predict", "classify", "regress"]))
def test_random_bodies_get_status_200_or_400(client: Client, data: bytes, action: str) -> None:
    for body in (data, b'{"instances": [' + data + b"]}", b'{"examples": [' + data + b"]}"):
        reply = client.ask("POST", f"/v1/models/m:{action}", body)
        assert reply.status in (200, 400)


# === Timeout ===


def test_timeout() -> None:
    client = Client(timeout_seconds=0.01)
    try:
        reply = client.post({"signature_name": "slow", "instances": [1]})
    finally:
        slow.leave.set()
    assert refusal(reply, 504) == "Timed out waiting for notification"


def test_no_timeout() -> None:
    slow.leave.set()
    assert Client(timeout_seconds=0).post({"signature_name": "slow", "instances": [1]}).status == 200


# === CORS ===


ORIGIN = {"origin": "http://example.org"}
SHARED = {key.decode(): value.decode() for key, value in CORS}


@pytest.mark.parametrize("cors", [True, False])
def test_cors(cors: bool) -> None:
    client, more = Client(cors=cors), SHARED if cors else {}
    answer, error = client.post({"instances": [1]}, **ORIGIN), client.ask("GET", "/v1/nothing", headers=ORIGIN)
    assert answer.headers == error.headers == {"content-type": "application/json", **more}
    assert client.ask("GET", "/nothing", headers=ORIGIN).headers == {"content-type": "text/html"}
    preflight = client.ask("OPTIONS", PREDICT, headers={**ORIGIN, "access_control_request_method": "POST"})
    assert preflight == (200, {"content-type": "text/html; charset=ISO-8859-1", **more}, b"")
    assert client.ask("OPTIONS", PREDICT).status == 400


# === Paths outside of TensorFlow Serving's API ===


@pytest.mark.parametrize("path", ["/models", "/v1/models?list"])
def test_list_of_models(client: Client, path: str) -> None:
    [model] = json.loads(client.ask("GET", path).body)["models"]
    assert model["name"] == "m"
    assert [(each["version"], each["state"]) for each in model["versions"]] == [("4", "END"), ("3", "AVAILABLE")]


def test_readiness() -> None:
    client = Client()
    assert client.ask("GET", "/livez").status == client.ask("GET", "/readyz").status == 200
    client.control.loading = True
    reply = client.ask("GET", "/readyz")
    assert reply.status == 503
    assert json.loads(reply.body) == {"status": "not ready", "reason": "no version available of z"}
    client.control.loading = False
    client.api.stop()
    assert client.ask("GET", "/readyz").status == 503
    assert client.ask("GET", "/livez").status == 200


def test_metrics() -> None:
    client = Client(metrics_path="/some/metrics", cors=True)
    assert client.ask("GET", "/some/metrics") == (200, {"content-type": "text/plain"}, b"# TYPE some_count counter\n")
    reply = client.ask("GET", "/some/metrics?a=1")
    assert (reply.status, reply.body) == (400, b"Unexpected path: /some/metrics?a=1. Should be /some/metrics")
    assert client.ask("GET", "/some/metrics/").status == 404


def test_additional_routes() -> None:
    async def page() -> tuple[int, str, bytes]:
        return 200, "text/html", b"<p>"

    client = Client(routes={"/docs": page})
    headers = {"content-type": "text/html", "x-content-type-options": "nosniff"}
    assert client.ask("GET", "/docs") == (200, headers, b"<p>")
    assert client.ask("POST", "/docs").status == 404
