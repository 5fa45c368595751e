"""The OpenAPI 3.1 document of the served models: the requests and answers of each signature.

OpenAPI libraries generate such a document from Python functions and types. Here, the schemas come from the signatures
of the loaded models, so this module writes the document itself.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple
from urllib.parse import quote

from ...wire.signature import DEFAULT_SIGNATURE, SignatureDef, TensorSpec
from . import schema as tensor_schema
from .schema import Json

MAX_EXAMPLE_VALUES = 1000  # a longer example would be unreadable
_METHODS = {"tensorflow/serving/classify": "classify", "tensorflow/serving/regress": "regress"}


class ServedVersion(NamedTuple):
    """A served version of a model, and its signatures."""

    name: str
    number: int
    signatures: Mapping[str, SignatureDef]


def document(versions: Iterable[ServedVersion]) -> Json:
    """Returns the OpenAPI document.

    Args:
        versions: the served versions, in any order of models, with the highest version of each model first.
    """
    paths: Json = {}
    for version in versions:
        base = f"/v1/models/{quote(version.name, safe='')}"
        if base not in paths:
            paths[base] = {"get": _status(version.name)}
            paths[f"{base}/metadata"] = {"get": _metadata(version.name)}
        else:
            base += f"/versions/{version.number}"
        for method, operation in _operations(version).items():
            paths[f"{base}:{method}"] = {"post": operation}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Models",
            "version": importlib.metadata.version("keras-gallery"),
            "description": (
                "The REST API of TensorFlow Serving. A path without a version uses the highest version. "
                "NaN, Infinity and -Infinity are numbers. "
                "The Open Inference Protocol has other paths, which begin with /v2."
            ),
        },
        "paths": paths,
    }


def _operations(version: ServedVersion) -> dict[str, Json]:
    """Returns the POST operations of a version by method, such as "predict"."""
    requests: dict[str, list[Json]] = {}
    answers: dict[str, list[Json]] = {}
    examples: dict[str, Json] = {}
    for name, definition in sorted(version.signatures.items()):
        for form in forms(definition):
            requests.setdefault("predict", []).append(_request(name, form, _values(definition, form)))
            answers.setdefault("predict", []).append(_answer(definition, form))
            body = example_body(name, definition, form)
            if body is not None:
                examples.setdefault("predict", {})[f"{name}, {form}"] = {"value": body}
        if (method := _METHODS.get(definition.method_name)) is not None:
            requests.setdefault(method, []).append(_request(name, "examples", _EXAMPLES))
            answers.setdefault(method, []).append(_object({"results": {"type": "array"}}))
    return {
        method: _operation(
            f"{method.capitalize()} with {version.name}, version {version.number}",
            {"anyOf": _distinct(answers[method])},
            {"anyOf": requests[method]},
            examples.get(method),
        )
        for method in requests
    }


def forms(definition: SignatureDef) -> list[str]:
    """Returns the forms of predict requests that a signature accepts: "instances", "inputs" or both.

    Returns [] if only gRPC can call the signature.
    """
    inputs, outputs = definition.inputs.values(), definition.outputs.values()
    if not inputs or any(spec.dtype.name in tensor_schema.UNREADABLE for spec in inputs):
        return []
    rows = all(map(tensor_schema.has_batch, inputs)) and all(spec.shape != () for spec in outputs)
    return ["instances", "inputs"] if rows else ["inputs"]


def example_body(name: str, definition: SignatureDef, form: str) -> Json | None:
    """Returns an example request body. Returns None if the example would have over `MAX_EXAMPLE_VALUES` values."""
    row = form == "instances"
    shapes = [tensor_schema.example_shape(spec, row=row) for spec in definition.inputs.values()]
    if sum(map(prod, shapes)) > MAX_EXAMPLE_VALUES:
        return None
    values = {key: tensor_schema.example(spec, row=row) for key, spec in definition.inputs.items()}
    plain: Any = next(iter(values.values())) if len(values) == 1 else values
    return _named(name, {form: [plain] if row else plain})


def _named(name: str, body: Json) -> Json:
    return body if name == DEFAULT_SIGNATURE else {"signature_name": name, **body}


# === Schemas ===


def _values(definition: SignatureDef, form: str) -> Json:
    """Returns the schema of "instances" or "inputs"."""
    row = form == "instances"
    specs = definition.inputs
    schemas = {key: tensor_schema.of_input(spec, row=row) for key, spec in specs.items()}
    required = [key for key in specs if key not in definition.defaults]
    named = _object(schemas, required) | ({"additionalProperties": False} if row else {})
    either = {"anyOf": [next(iter(schemas.values())), named]} if len(schemas) == 1 else named
    return {"type": "array", "minItems": 1, "items": either} if row else either


def _request(name: str, key: str, values: Json) -> Json:
    """Returns the schema of a body with `values` under `key`, for the signature `name`."""
    schema = _object({"signature_name": {"const": name}, key: values}, [key])
    if name != DEFAULT_SIGNATURE:
        schema["required"].insert(0, "signature_name")
    return {"title": f"{name}, {key}"} | schema


def _answer(definition: SignatureDef, form: str) -> Json:
    specs: Mapping[str, TensorSpec] = definition.outputs
    row = form == "instances"
    schemas = {key: tensor_schema.of_output(key, spec, row=row) for key, spec in specs.items()}
    values = next(iter(schemas.values())) if len(schemas) == 1 else _object(schemas)
    return _object({"predictions": {"type": "array", "items": values}} if row else {"outputs": values})


_FEATURE: Json = {"description": "a number, a string, {\"b64\": …}, or a list of one of these"}  # fmt: skip
_FEATURES: Json = {"type": "object", "additionalProperties": _FEATURE}
_EXAMPLES: Json = {"type": "array", "minItems": 1, "items": _FEATURES}


def _object(properties: Json, required: Iterable[str] | None = None) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
    }


def _distinct(schemas: list[Json]) -> list[Json]:
    return [schema for at, schema in enumerate(schemas) if schema not in schemas[:at]]


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _operation(summary: str, answer: Json, request: Json | None = None, examples: Json | None = None) -> Json:
    error = _content(_object({"error": {"type": "string"}}))
    operation: Json = {
        "summary": summary,
        "responses": {
            "200": {"description": "The answer", "content": _content(answer)},
            "default": {"description": "The error", "content": error},
        },
    }
    if request is not None:
        body = _content(request)
        if examples:
            body["application/json"]["examples"] = examples
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _status(name: str) -> Json:
    status = _object({"error_code": {"type": "string"}, "error_message": {"type": "string"}})
    version = _object({"version": {"type": "string"}, "state": {"type": "string"}, "status": status})
    return _operation(f"The states of the versions of {name}", _object({"model_version_status": _list(version)}))


def _metadata(name: str) -> Json:
    spec = _object({"name": {"type": "string"}, "version": {"type": "string"}, "signature_name": {"type": "string"}})
    return _operation(f"The signatures of {name}", _object({"model_spec": spec, "metadata": {"type": "object"}}))


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}
