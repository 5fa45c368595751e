"""The REST API as an ASGI application, with the paths `/v1/models/…` of TensorFlow Serving.

The application does not use a web framework, because TensorFlow Serving's rules for paths, methods and errors differ
from the rules of every framework.

In addition, these paths answer GET requests, and /v2/models/…/infer answers POST requests:

    /v2, /v2/…                    the Open Inference Protocol, see `open_inference`
    /livez                        200 if the process is running
    /readyz                       200 if every configured model has an available version and the server is not
                                  stopping; otherwise 503 with a reason
    /models, /v1/models?list      all configured models with their versions and states; `/v1/models` without a query
                                  is an error, as in TensorFlow Serving
    /models/NAME/card, /models/NAME/versions/N/card
                                  the card of a version, see `serving.card`. Only with the page
    `metrics_path`                the metrics
    the paths in `routes`
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from ...config.auth_tokens import AuthTokens
from ...core.inference import Inference
from ...errors import ServingError, Unavailable
from ...limits import Budget, Share
from ...observe.observation import Observation
from ...observe.observer import Observer
from ...processes.control import Control
from ...wire.json import messages as json_messages
from ...wire.json.writer import error_body
from ...wire.model_spec import ModelSpec
from ..grpc.services import models_of
from . import body as rest_body
from . import paths as rest_paths
from .body import Receive, Scope
from .disconnect import UntilDisconnect
from .guard import Guard
from .health import Health
from .host import names_this_machine
from .models import RestModels
from .open_inference import OpenInference
from .responses import JSON, PREFLIGHT, Answer, document, page, preflight

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]

CARD = "application/json; charset=utf-8"  # unlike JSON, without CORS headers: a card can show test examples
# For answers of paths that TensorFlow Serving does not have: the browser does not guess that JSON or text is HTML.
NOSNIFF = ((b"x-content-type-options", b"nosniff"),)
CHUNK = 32 << 10  # bytes; over HTTP/1.1, a larger answer is sent in parts, each after the client has read earlier parts
CHUNK_SECONDS = 60.0  # timeout for the client to read enough for the next part
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
]
# Metrics and logs call the actions by the names of the gRPC methods.
_METHODS = {
    "predict": "Predict",
    "classify": "Classify",
    "regress": "Regress",
    "metadata": "GetModelMetadata",
    "status": "GetModelStatus",
}


Route = Callable[[], Awaitable[Answer | tuple[int, str, bytes]]]


class RestApi:
    """The ASGI application.

    Args:
        inference: runs the loaded models.
        control: status, reload and metrics of the whole server.
        observer: records each request of the API.
        budget: the memory budget of all requests.
        max_request_bytes: maximum size of a request body in bytes.
        cors: whether answers of the API have CORS headers.
        timeout_seconds: the timeout of inference for a request. 0 for no timeout.
        metrics_path: the path of the metrics. None for no metrics.
        routes: functions for additional paths, such as "/docs". Each returns an `Answer`, or an HTTP status,
            a content type and a body.
        card: returns the card of a version, or raises ServingError. None for no cards.
        tokens: the tokens that clients must send; None for no tokens.
        public: further paths that need no token.
        local: whether requests must have `localhost` or an IP address in the header Host.
    """

    def __init__(
        self,
        inference: Inference,
        control: Control,
        observer: Observer,
        budget: Budget,
        *,
        max_request_bytes: int = (1 << 31) - 1,
        cors: bool = False,
        timeout_seconds: float = 30.0,
        metrics_path: str | None = None,
        routes: Mapping[str, Route] | None = None,
        card: Callable[[ModelSpec], Awaitable[bytes]] | None = None,
        tokens: AuthTokens | None = None,
        public: Iterable[str] = (),
        local: bool = False,
    ) -> None:
        self._control, self._observer = control, observer
        self._calls = RestModels(inference, control, timeout_seconds or None)
        self._open_inference = OpenInference(inference, self._calls, observer, max_request_bytes)
        self._health = Health(control, names_models=tokens is None)  # these paths need no token
        self._guard = Guard(tokens, metrics_path, public)
        self._cors = self._guard.cors(CORS) if cors else []
        self._max_request_bytes = max_request_bytes
        self._metrics_path = metrics_path
        self._routes: dict[str, Route] = {**self._health.routes(), **(routes or {})}
        self._card = card
        self._local = local
        self._budget = budget
        self._running: dict[asyncio.Task[Any], bool] = {}  # the value: whether the server has ended the request

    def stop(self) -> None:
        """Makes /readyz answer 503. Call this before the server drains."""
        self._health.is_stopping = True

    def expire(self) -> None:
        """Ends all requests in progress with status 503."""
        for task in list(self._running):
            self._running[task] = True
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request. An error becomes an HTTP status with the body `{"error": …}`.

        The body is empty if the version in the path does not fit into 64 bits.
        """
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # h2corn then answers with status 403
            return
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = False
        share = Share(self._budget, (scope.get("client") or ("",))[0])
        try:
            answer = await self._answer_or_error(scope, receive, share)
            await self._send(scope, receive, answer, share, send)
        except (OSError, TimeoutError):
            pass  # the client has closed the connection, or does not read its answer: h2corn closes the connection
        except asyncio.CancelledError:
            if not self._running[task]:
                raise
            error = Unavailable("The server is stopping.")
            with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the answer has already started
                answer = Answer(error.http_status, JSON, error_body(str(error)))
                await self._send(scope, receive, answer, share, send)
        finally:
            del self._running[task]
            share.release()

    async def _answer_or_error(self, scope: Scope, receive: Receive, share: Share) -> Answer:
        request = Observation("rest", "", status="CANCELLED", share=share)
        started = perf_counter()
        try:
            answer = await self._answer(scope, receive, request, share)
            request.status, request.response_bytes = "OK", len(answer.body)
        except ServingError as error:
            request.status = error.code.name
            answer = Answer(error.http_status, JSON, error_body(str(error)), error.http_headers)
        except rest_body.TooLate:
            text = f"The request was not complete within {rest_body.BODY_SECONDS:g} s."
            answer = Answer(408, JSON, error_body(text))
        except rest_paths.VersionTooLarge:
            answer = Answer(400, JSON, b"")
        except Exception as error:  # a bug: the answer has one line, the log has the traceback
            log.exception("REST request failed")
            request.status = "INTERNAL"
            answer = Answer(500, JSON, error_body(f"{type(error).__name__}: {error}"))
        finally:
            if request.method:
                request.seconds = perf_counter() - started
                self._record(request, scope)
        return answer

    async def _send(self, scope: Scope, receive: Receive, answer: Answer, share: Share, send: Send) -> None:
        body = b"" if scope["method"] == "HEAD" else answer.body
        if len(body) > CHUNK:
            try:
                share.take_up_to(len(body))
            except ServingError as error:
                answer = Answer(error.http_status, JSON, error_body(str(error)))
                body = answer.body
        headers = [
            *(self._cors if answer.content_type in (JSON, PREFLIGHT) else []),
            (b"content-type", answer.content_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        is_http2 = scope["http_version"] == "2"
        if answer.status in (408, 413) and not is_http2:
            headers.append((b"connection", b"close"))  # the client may send the rest of the body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if len(body) <= CHUNK:
            await send({"type": "http.response.body", "body": body})
            return
        if is_http2:
            await send({"type": "http.response.body", "body": body})
            while (await receive())["type"] == "http.request":  # until the client has read the answer
                pass
            return
        for at in range(0, len(body), CHUNK):
            part, more = body[at : at + CHUNK], at + CHUNK < len(body)
            async with asyncio.timeout(CHUNK_SECONDS):
                await send({"type": "http.response.body", "body": part, "more_body": more})

    def _record(self, request: Observation, scope: Scope) -> None:
        if self._observer.detailed:
            host, port = scope.get("client") or ("", 0)
            request.peer = f"{host}:{port}"
            request.read_headers(scope["headers"])
        self._observer.record(request)

    async def _answer(self, scope: Scope, receive: Receive, request: Observation, share: Share) -> Answer:
        method: str = scope["method"]
        path, query = scope["raw_path"], scope["query_string"]
        if method not in rest_paths.METHODS:
            return page(501, "Not Implemented")
        if not rest_paths.is_uri(path) or not rest_paths.is_uri(query):
            return page(400, "Bad Request")
        if self._local and not names_this_machine(scope["headers"]):
            error = {"error": "This server answers requests to localhost and to IP addresses only."}
            return document(403, error)._replace(headers=NOSNIFF)
        name = path.decode()
        full_path = f"{name}?{query.decode()}" if query else name
        self._guard.check(scope, name, request)
        if name == self._metrics_path:
            return await self._metrics(full_path)
        is_list = name == "/models" or full_path == "/v1/models?list"
        route = partial(self._models, request) if is_list else self._routes.get(name)
        if route and method in ("GET", "HEAD"):
            answer = Answer(*await route())
            return answer._replace(headers=(*answer.headers, *NOSNIFF))
        if self._card and method in ("GET", "HEAD") and (spec := rest_paths.card(full_path)):
            if request.access:
                request.access.check_model(spec.name)
            return Answer(200, CARD, await self._card(spec), NOSNIFF)
        is_open_inference = name == "/v2" or name.startswith("/v2/")
        if not is_open_inference and not name.lower().startswith("/v1/"):
            return page(404, "Not Found")
        if method == "OPTIONS":
            return preflight(scope)
        if is_open_inference:
            return await self._open_inference.answer(scope, receive, request, share)
        target = rest_paths.target(method, full_path)
        body = await rest_body.read(scope, receive, self._max_request_bytes, share) if method == "POST" else b""
        request.method, request.request_bytes = _METHODS[target.action], len(body)
        self._observer.begin(request)  # a request whose body is being received is not pending
        if method == "GET":
            return Answer(200, JSON, await self._calls.describe(target, request))
        call = self._calls.predict if target.action == "predict" else self._calls.examine
        # Over HTTP/1.1, h2corn notices only when it sends the answer that the client has closed the connection.
        with UntilDisconnect(receive) if scope["http_version"] == "2" else contextlib.nullcontext():
            return Answer(200, JSON, await call(target, body, request))

    # === Paths outside of TensorFlow Serving's API ===

    async def _metrics(self, path: str) -> Answer:
        if path != self._metrics_path:
            text = f"Unexpected path: {path}. Should be {self._metrics_path}"
            return Answer(400, "text/plain", text.encode())
        return Answer(200, "text/plain", (await self._control.metrics()).encode())

    async def _models(self, request: Observation) -> Answer:
        models = await models_of(self._control, request)
        return document(
            200, {"models": [{"name": each.name, "versions": json_messages.versions(each.versions)} for each in models]}
        )
