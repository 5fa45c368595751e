"""The REST face: `/v1/models/…` as TensorFlow Serving answers it, as an ASGI application."""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format

from .errors import InvalidArgument, ResourceExhausted, ServingError
from .grpc_api import metadata, status
from .inference import Inference
from .saved_model import DEFAULT_SIGNATURE
from .wire import json_predict, messages
from .wire.predict import ModelSpec

log = logging.getLogger(__name__)
JSON = "application/json"
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
]
MAX_INFLATED_BYTES = 100 << 20  # of a gzip body

_PATH = re.compile(
    r"/v1/models(?:/(?P<name>[^/:]+))?"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?:(?P<metadata>/metadata)|:(?P<method>\w+))?",
    re.IGNORECASE,
)
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _NoSuchPage(Exception):
    """Outside of the API."""


class RestApi:
    """The application.

    Args:
        inference: the core.
        max_request_bytes: the longest request body that is read.
        cors: whether answers of the API carry CORS headers.
    """

    def __init__(self, inference: Inference, *, max_request_bytes: int = (1 << 31) - 1, cors: bool = False) -> None:
        self._inference = inference
        self._cors = CORS if cors else []
        self._max_request_bytes = max_request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; turns what goes wrong into a status and `{"error": …}`: the one place that does."""
        code, kind = 200, JSON
        try:
            body = await self._answer(scope, receive)
        except ServingError as error:
            code, body = error.http_status, _error(str(error))
        except _NoSuchPage:
            code, kind = 404, "text/html"
            body = b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"
        except Exception as error:  # ours to mend; the client gets one line
            log.exception("REST request failed")
            code, body = 500, _error(f"{type(error).__name__}: {error}")
        headers = [
            *(self._cors if kind == JSON else []),
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        method: str = scope["method"]
        path: str = scope["raw_path"].decode("latin-1")
        if path == "/models" and method == "GET":  # ours: TensorFlow Serving has no list of models
            return json.dumps({"models": self._inference.manager.models()}).encode()
        if not path.lower().startswith("/v1/"):
            raise _NoSuchPage
        match = _PATH.fullmatch(path)
        malformed = InvalidArgument(f"Malformed request: {method} {path}")
        if match is None:
            raise malformed
        if match["name"] is None:
            raise InvalidArgument("Missing model name in request.") if method == "GET" else malformed
        version = int(match["version"]) if match["version"] else None
        if version is not None and version >= 1 << 63:
            raise InvalidArgument(f"Failed to convert version: {version} to numeric.")
        spec = ModelSpec(unquote(match["name"]), version, unquote(match["label"]) if match["label"] else None)
        if method == "GET" and not match["method"]:
            return self._metadata(spec) if match["metadata"] else self._status(spec)
        if method != "POST" or match["metadata"] or (match["method"] or "").lower() != "predict":
            raise malformed
        return await self._predict(spec, await self._body(scope, receive))

    async def _predict(self, spec: ModelSpec, data: bytes) -> bytes:
        with self._inference.manager.using(spec) as servable:
            body = json_predict.parse(data)
            name = body.signature or DEFAULT_SIGNATURE
            signature = servable.signatures.get(name)
            if signature is None:
                raise InvalidArgument(f'Serving signature name: "{name}" not found in signature def')
            arrays = json_predict.arrays(body, signature.definition)
            outputs = await self._inference.run(signature, arrays, sorted(signature.definition.outputs))
            return json_predict.encode(outputs, rows=body.rows)

    def _status(self, spec: ModelSpec) -> bytes:
        response = status(self._inference, spec)
        entries = [
            {
                "version": str(entry.version),
                "state": messages.ModelVersionStatus.State.Name(entry.state),
                "status": {
                    "error_code": _code_name(entry.status.error_code),
                    "error_message": entry.status.error_message,
                },
            }
            for entry in response.model_version_status
        ]
        return (json.dumps({"model_version_status": entries}, indent=1, ensure_ascii=False) + "\n").encode()

    def _metadata(self, spec: ModelSpec) -> bytes:
        response = metadata(self._inference, spec)
        signatures = messages.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        document = {
            "model_spec": {
                "name": response.model_spec.name,
                "version": str(response.model_spec.version.value),
                "signature_name": "",
            },
            "metadata": {
                "signature_def": json_format.MessageToDict(
                    signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
                )
            },
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The request body, unpacked if it came with gzip; ResourceExhausted for one that is too long."""
        chunks, size = [], 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise InvalidArgument("Expected a request body. Received: a closed connection")
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if size > self._max_request_bytes:
                raise ResourceExhausted(f"Received message larger than max ({size} vs. {self._max_request_bytes})")
            if not event.get("more_body"):
                break
        body = b"".join(chunks)
        gzipped = any(k == b"content-encoding" and b"gzip" in v.lower() for k, v in scope["headers"])
        return _gunzip(body) if gzipped else body


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error:
        return b""
    if unpacker.unconsumed_tail:
        raise ResourceExhausted(f"Expected a body of at most {MAX_INFLATED_BYTES} bytes after unpacking")
    return data if unpacker.eof else b""


def _code_name(number: int) -> str:
    return str(messages.POOL.FindEnumTypeByName("tensorflow.error.Code").values_by_number[number].name)


def _error(message: str) -> bytes:
    return ('{\n    "error": ' + json.dumps(message, ensure_ascii=False) + "\n}").encode(errors="replace")
