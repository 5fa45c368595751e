"""The REST paths of the Open Inference Protocol, version 2: they begin with /v2."""

from __future__ import annotations

import contextlib
import re
from urllib.parse import unquote

from ... import fair_threads
from ...core.inference import Inference
from ...engines.base import are_at_most
from ...errors import InvalidArgument, NotFound
from ...limits import Share
from ...observe.observation import Observation
from ...observe.observer import Observer
from ...wire.model_spec import ModelSpec
from ...wire.open_inference import json_bodies
from ..grpc.open_inference import model_metadata, server_metadata, spec
from . import body as rest_body
from .body import Receive, Scope
from .disconnect import UntilDisconnect
from .models import QUICK_BODY_BYTES, QUICK_OUTPUT_BYTES, RestModels
from .responses import JSON, Answer, document

BINARY = "application/octet-stream"
QUICK_OBJECTS = 512  # a body with more JSON objects, such as inputs, is read in a thread
_JSON_BYTES = b"inference-header-content-length"
_PATH = re.compile(
    r"/v2(?:/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<action>infer|ready))?)?", re.ASCII
)
_METHODS = {"infer": "ModelInfer", "ready": "ModelReady", None: "ModelMetadata"}  # as in the gRPC API


class OpenInference:
    """Answers the requests to /v2, except those for the health of the server.

    Args:
        inference: runs the loaded models.
        calls: the calls of the REST API on models.
        observer: records each request for a model.
        max_request_bytes: maximum size of a request body in bytes.
    """

    def __init__(self, inference: Inference, calls: RestModels, observer: Observer, max_request_bytes: int) -> None:
        self._inference, self._calls, self._observer = inference, calls, observer
        self._max_request_bytes = max_request_bytes

    async def answer(self, scope: Scope, receive: Receive, request: Observation, share: Share) -> Answer:
        """Answers a request. Completes the record `request`.

        Raises NotFound for another path or method, and the errors of the calls.
        """
        method, path = scope["method"], scope["raw_path"].decode()
        match = _PATH.fullmatch(path)
        if match is None or method not in (("POST",) if match["action"] == "infer" else ("GET", "HEAD")):
            raise NotFound(f"The Open Inference Protocol has no path {method} {path}")
        if match["name"] is None:
            request.method = "ServerMetadata"
            self._observer.begin(request)
            return document(200, server_metadata())
        model = spec(_decoded(match["name"]), _decoded(match["version"] or ""))
        request.method = _METHODS[match["action"]]
        if match["action"] == "infer":
            return await self._infer(model, scope, receive, request, share)
        self._observer.begin(request)
        if match["action"] is None:
            return document(200, model_metadata(self._inference, model, request))
        with self._inference.models.using(model, request):  # raises NotFound if the model is not ready
            return document(200, {"name": model.name, "ready": True})

    async def _infer(
        self, model: ModelSpec, scope: Scope, receive: Receive, request: Observation, share: Share
    ) -> Answer:
        json_bytes = _json_bytes(scope)
        data = await rest_body.read(scope, receive, self._max_request_bytes, share, json_bytes)
        request.request_bytes = len(data)
        self._observer.begin(request)
        quick = data[:json_bytes] if json_bytes is not None else data
        if json_bytes is not None and (memory := json_bodies.string_memory(data, json_bytes)):
            share.take(memory)
            quick = data
        with UntilDisconnect(receive) if scope["http_version"] == "2" else contextlib.nullcontext():
            if len(quick) <= QUICK_BODY_BYTES and quick.count(b"{") <= QUICK_OBJECTS:
                read = json_bodies.read(data, json_bytes)
            else:
                read = await self._calls.in_thread(data, request, json_bodies.read, data, json_bytes)
            named = ModelSpec(model.name, model.version, model.label, read.signature)
            running = self._inference.predict(named, read.inputs, tuple(read.outputs), request)
            answered, outputs = await self._calls.in_time(request, running)
        is_quick = are_at_most(outputs, QUICK_OUTPUT_BYTES)
        body, size = await fair_threads.call(is_quick, request.client, json_bodies.encode, read, answered, outputs)
        if size is None:
            return Answer(200, JSON, body)
        return Answer(200, BINARY, body, ((_JSON_BYTES, b"%d" % size),))


def _json_bytes(scope: Scope) -> int | None:
    """Returns the number of bytes of JSON at the start of the body; None if the client does not send it."""
    text = dict(scope["headers"]).get(_JSON_BYTES)
    if text is None:
        return None
    if not re.fullmatch(rb"[0-9]{1,10}", text):
        raise InvalidArgument("Expected a number of bytes in the header Inference-Header-Content-Length.")
    return int(text)


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")
