"""Tests of the OpenAPI document and the HTML page. Both must be valid and match the REST API."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from keras_gallery.serving.api.openapi import document as openapi
from keras_gallery.serving.api.openapi import page as openapi_page
from keras_gallery.serving.api.openapi.document import ServedVersion
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.json import predict as json_predict
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec
from openapi_spec_validator import OpenAPIV31SpecValidator

from ....random_inputs import random_inputs

PREDICT = "tensorflow/serving/predict"


def spec(dtype: str, *shape: int) -> TensorSpec:
    (row,) = [row for row in dtypes.DATA_TYPES if row.name == dtype]
    return TensorSpec("t:0", row, shape)


def signature(inputs: dict[str, TensorSpec], outputs: dict[str, TensorSpec], method: str = PREDICT) -> SignatureDef:
    return SignatureDef("s", method, inputs, outputs)


IMAGES = signature({"image": spec("float", -1, 28, 28)}, {"code": spec("float", -1, 5)})
SIGNATURES = {
    "serving_default": signature({"x": spec("float", -1, 3)}, {"y": spec("float", -1, 2)}),
    "two": signature(
        {"a": spec("int32", -1), "b": spec("bool", -1, 2)}, {"y": spec("int64", -1), "z": spec("double", -1)}
    ),
    "scalar": signature({"x": spec("float")}, {"y": spec("float")}),
    "any rank": signature({"x": TensorSpec("t:0", dtypes.STRING, None)}, {"y": spec("float", -1)}),
    "text": signature({"x": spec("string", -1)}, {"y_bytes": spec("string", -1), "z": spec("string", -1)}),
    "total": signature({"x": spec("float", -1, 3)}, {"y": spec("float")}),
    "half": signature({"x": spec("half", -1)}, {"y": spec("half", -1)}),
    "nothing": signature({}, {"y": spec("float", 2)}),
    "images": IMAGES,
    "classes": signature({"x": spec("string", -1)}, {"scores": spec("float", -1, 2)}, "tensorflow/serving/classify"),
}


def test_pixel_values() -> None:
    image = TensorSpec("t:0", dtypes.BY_NUMBER[1], (-1, 2, 2, 3), "0..255")
    version = ServedVersion("m", 1, {"s": signature({"image": image}, {"y": spec("float", -1)})})
    assert '"description": "Pixel values 0..255"' in json.dumps(described(version))
    assert "float (?, 2, 2, 3), pixel values 0..255" in openapi_page.page([version], "http://localhost")


def described(*versions: ServedVersion) -> dict[str, Any]:
    document = openapi.document(versions)
    OpenAPIV31SpecValidator(json.loads(json.dumps(document))).validate()
    return document


def predict_schemas(document: dict[str, Any], path: str) -> tuple[Draft202012Validator, Draft202012Validator]:
    """Returns a validator for the requests to a path, and a validator for the answers."""
    operation = document["paths"][path]["post"]
    schemas = operation["requestBody"], operation["responses"]["200"]
    return tuple(Draft202012Validator(each["content"]["application/json"]["schema"]) for each in schemas)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description of a model with all signatures."""
    return described(ServedVersion("m", 1, SIGNATURES))


def test_paths() -> None:
    one = {"serving_default": SIGNATURES["serving_default"]}
    versions = ServedVersion("m", 2, one), ServedVersion("m", 1, SIGNATURES), ServedVersion("a/{b} c", 7, one)
    document = described(*versions)
    assert {path: list(item) for path, item in document["paths"].items()} == {
        "/v1/models/m": ["get"],
        "/v1/models/m/metadata": ["get"],
        "/v1/models/m:predict": ["post"],
        "/v1/models/m/versions/1:predict": ["post"],
        "/v1/models/m/versions/1:classify": ["post"],
        "/v1/models/a%2F%7Bb%7D%20c": ["get"],
        "/v1/models/a%2F%7Bb%7D%20c/metadata": ["get"],
        "/v1/models/a%2F%7Bb%7D%20c:predict": ["post"],
    }


def test_no_models() -> None:
    assert described()["paths"] == {}


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ({"instances": [[1, 2, 3.5]]}, True),
        ({"instances": [{"x": [1, 2, 3]}], "signature_name": "serving_default"}, True),
        ({"inputs": [[1, 2, 3]]}, True),
        ({"inputs": {"x": [[1, 2, 3]]}}, True),
        ({"instances": [[1, 2]]}, False),
        ({"instances": []}, False),
        ({"instances": [{"x": [1, 2, 3], "more": 1}]}, False),
        ({"inputs": {"more": 1}}, False),
        ({"signature_name": "two", "instances": [{"a": 1, "b": [True, False]}]}, True),
        ({"signature_name": "two", "inputs": {"a": [1], "b": [[True, False]]}}, True),
        ({"signature_name": "two", "instances": [{"a": 1}]}, False),
        ({"signature_name": "two", "inputs": {"a": [1 << 31], "b": [[True, False]]}}, False),
        ({"signature_name": "two", "inputs": {"a": [1.5], "b": [[True, False]]}}, False),
        ({"signature_name": "text", "instances": ["a", {"b64": "YQ=="}, {"x": {"b64": "YQ=="}}]}, True),
        ({"signature_name": "scalar", "inputs": 3}, True),
        ({"signature_name": "scalar", "instances": [3]}, False),
        ({"signature_name": "nothing", "inputs": {}}, False),
        ({"signature_name": "half", "instances": [1.0]}, False),
        ({"signature_name": "unknown", "instances": [1.0]}, False),
        ({}, False),
    ],
    ids=str,
)
def test_requests(body: dict[str, Any], valid: bool, document: dict[str, Any]) -> None:
    requests, _ = predict_schemas(document, "/v1/models/m:predict")
    assert requests.is_valid(body) == valid


NAMES = st.text(min_size=1, max_size=8)
SHAPES = st.lists(st.sampled_from([-1, 1, 2, 5]), max_size=3).map(tuple)
READABLE = [row for row in dtypes.DATA_TYPES if row.name not in openapi.tensor_schema.UNREADABLE]
SPECS = st.builds(TensorSpec, st.just("t:0"), st.sampled_from(READABLE), SHAPES)
TENSORS = st.dictionaries(NAMES, SPECS, min_size=1, max_size=3)
DEFINITIONS = st.builds(signature, TENSORS, TENSORS)


@random_inputs(60, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, NAMES, DEFINITIONS)
def test_the_api_accepts_the_examples(model: str, name: str, definition: SignatureDef) -> None:
    document = described(ServedVersion(model, 1, {name: definition}))
    path = f"/v1/models/{openapi.quote(model, safe='')}:predict"
    requests, answers = predict_schemas(document, path)
    examples = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) == len(openapi.forms(definition))
    for example in examples.values():
        requests.validate(example["value"])
        body = json_predict.parse(json.dumps(example["value"]).encode())
        assert body.signature == ("" if name == "serving_default" else name)
        inputs = json_predict.arrays(body, definition)
        assert all(each.accepts(inputs[key].shape) for key, each in definition.inputs.items())
        answers.validate(some_answer(definition.outputs, rows=body.rows))


def some_answer(outputs: dict[str, TensorSpec], *, rows: bool) -> dict[str, Any]:
    """Returns an answer with the given outputs, in the row form or the columnar form."""
    values = {}
    for name, each in outputs.items():
        shape = tuple(1 if size < 0 or at == 0 and rows else size for at, size in enumerate(each.shape or ()))
        text: Any = {"b64": "dA=="} if name.endswith("_bytes") else "t"
        values[name] = np.full(shape, text if each.dtype is dtypes.STRING else 0, each.dtype.numpy).tolist()
    if rows:
        values = {name: value[0] for name, value in values.items()}
    plain = next(iter(values.values())) if len(values) == 1 else values
    return {"predictions": [plain]} if rows else {"outputs": plain}


def test_signatures_that_need_grpc_have_no_form() -> None:
    assert openapi.forms(SIGNATURES["half"]) == openapi.forms(SIGNATURES["nothing"]) == []
    assert described(ServedVersion("m", 1, {"half": SIGNATURES["half"]}))["paths"].keys() == {
        "/v1/models/m",
        "/v1/models/m/metadata",
    }
    page = openapi_page.page([ServedVersion("m", 1, {"half": SIGNATURES["half"]})], "http://localhost")
    assert "Only available over gRPC." in page


def test_long_examples_are_left_out() -> None:
    large = signature({"x": spec("float", -1, 100, 100)}, {"y": spec("float", -1)})
    document = described(ServedVersion("m", 1, {"serving_default": large}))
    content = document["paths"]["/v1/models/m:predict"]["post"]["requestBody"]["content"]["application/json"]
    assert "examples" not in content


class Page(HTMLParser):
    """Collects the tags of a page with their attributes, and the shell commands of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.commands: list[str] = []
        self._in_command = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_command = tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._in_command = False

    def handle_data(self, data: str) -> None:
        if self._in_command:
            self.commands.append(data)


def test_the_page_has_no_scripts_and_no_external_files() -> None:
    unsafe_name = "<script>alert('1')</script>\"'&"
    definition = signature({unsafe_name: spec("float", -1)}, {unsafe_name: spec("float", -1)})
    versions = [ServedVersion(unsafe_name, 1, {unsafe_name: definition}), ServedVersion("m", 1, SIGNATURES)]
    page = Page(openapi_page.page(versions, f"http://{unsafe_name}"))
    assert not {"script", "img", "link", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not [attribute for _, attributes in page.tags for attribute in attributes if attribute.startswith("on")]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(link and link.startswith("/") for link in links)


def test_the_api_accepts_the_commands_of_the_page() -> None:
    commands = Page(openapi_page.page([ServedVersion("m", 1, SIGNATURES)], "http://localhost:8501")).commands
    expected = [(name, form) for name, each in sorted(SIGNATURES.items()) for form in openapi.forms(each)]
    assert len(commands) == len(expected)
    for command, (name, form) in zip(commands, expected, strict=True):
        arguments = shlex.split(command)
        assert arguments[-1] == "http://localhost:8501/v1/models/m:predict"
        if arguments[0] == "curl":
            body = arguments[2]
        else:
            assert arguments[:2] == ["python3", "-c"] and arguments[3:6] == ["|", "curl", "-d"]
            program = [sys.executable, "-c", arguments[2]]
            body = subprocess.run(program, check=True, capture_output=True, text=True).stdout
        parsed = json_predict.parse(body.encode())
        assert (parsed.signature or "serving_default", parsed.rows) == (name, form == "instances")
        inputs = json_predict.arrays(parsed, SIGNATURES[name])
        assert all(each.accepts(inputs[key].shape) for key, each in SIGNATURES[name].inputs.items())
    assert any(command.startswith("python3") for command in commands)


def test_a_page_without_models() -> None:
    assert "No model is loaded" in openapi_page.page([], "http://localhost:8501")
