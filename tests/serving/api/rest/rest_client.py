"""A client that calls the REST application without sockets. The models are Python functions."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from keras_gallery.serving.api.rest.application import RestApi
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.errors import NotFound
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus
from keras_gallery.serving.limits import Budget
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.observe.observer import Observer

from ...fake_models import definition, serve, signatures


class Control:
    """The control of a server with the model "m". If `loading` is set, the model "z" is still loading."""

    def __init__(self) -> None:
        self.loading = False

    async def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        if name != "m":
            raise NotFound(f"Could not find any versions of model {name}")
        return [VersionStatus(4, State.END, "DATA_LOSS", "w<h>y"), VersionStatus(3, State.AVAILABLE)]

    async def reload(self, config: bytes) -> None:
        raise AssertionError("the REST API has no reload")

    async def models(self) -> list[ModelStatus]:
        others = [ModelStatus("z", [VersionStatus(1, State.LOADING)])] if self.loading else []
        return [ModelStatus("m", await self.status("m")), *others]

    async def metrics(self) -> str:
        return "# TYPE some_count counter\n"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


class Slow:
    """A model that waits until `leave` is set."""

    def __init__(self) -> None:
        self.leave = threading.Event()

    def __call__(self, inputs: Arrays) -> Mapping[str, Any]:
        assert self.leave.wait(30)
        return {"y": inputs["x"]}


def broken(inputs: Arrays) -> Mapping[str, Any]:
    raise RuntimeError("no")


def scored(inputs: Arrays) -> Mapping[str, Any]:
    count = len(inputs["inputs"])
    return {"classes": np.full((count, 2), b"a", object), "scores": np.tile([[0.25, 0.75]], (count, 1)).astype("f4")}


X, Y = {"x": "float"}, {"y": "float"}
slow = Slow()
MODELS = serve(
    signatures(
        (definition(inputs=X, outputs=Y), lambda inputs: {"y": inputs["x"] * 2 + 1}),
        (definition("text", {"x": "string"}, {"y_bytes": "string"}), lambda inputs: {"y_bytes": inputs["x"]}),
        (definition("slow", X, Y), slow),
        (definition("wide", X, Y), lambda inputs: {"y": np.full((len(inputs["x"]), 200_000), 0.5, np.float32)}),
        (definition("broken", X, Y), broken),
        (definition("classify", outputs={"classes": "string", "scores": "float"}, method="classify"), scored),
        (definition("regress", method="regress"), lambda inputs: {"outputs": np.ones(len(inputs["inputs"]), "f4")}),
    )
)
PREDICT = "/v1/models/m:predict"


class Client:
    """Sends requests to an application, one at a time."""

    def __init__(self, *, budget: int = 1 << 31, **options: Any) -> None:
        self.inference, self.control = Inference(MODELS), Control()
        self.budget = Budget(budget)
        self.api = RestApi(self.inference, self.control, Observer(Metrics()), self.budget, **options)

    def ask(self, method: str, path: str, body: bytes | list[bytes] = b"", headers: Any = ()) -> Reply:
        return asyncio.run(self._ask(method, path, [body] if isinstance(body, bytes) else body, dict(headers)))

    def post(self, document: Any, path: str = PREDICT, **headers: str) -> Reply:
        return self.ask("POST", path, json.dumps(document).encode(), headers)

    async def _ask(
        self,
        method: str,
        path: str,
        chunks: list[bytes],
        headers: dict[str, str],
        *,
        http_version: str = "1.1",
        disconnects: bool = False,
        stalls: bool = False,
        sent: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
        until_read: Callable[[], Awaitable[Any]] | None = None,
    ) -> Reply:
        """Sends a request in chunks.

        Instead of the last chunk, the client may disconnect or send nothing (`stalls`). `sent` is called with each
        event of the answer. `until_read` waits until the client has read the answer.
        """
        raw_path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": http_version,
            "method": method,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        left, events = list(chunks), []

        async def receive() -> dict[str, Any]:
            if len(left) <= 1 and stalls:
                await asyncio.sleep(60)
            if not left and until_read:
                await until_read()
            elif not left and chunks:
                await asyncio.Event().wait()  # the client waits for the answer
            if not left or len(left) == 1 and disconnects:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        async def send(event: dict[str, Any]) -> None:
            events.append(event)
            if sent:
                await sent(event)

        await self.api(scope, receive, send)
        assert self.budget.used == 0
        start, *parts = events
        assert [each.get("more_body", False) for each in parts] == [True] * (len(parts) - 1) + [False]
        end = b"".join(each["body"] for each in parts)
        answer_headers = {key.decode(): value.decode() for key, value in start["headers"]}
        if method != "HEAD":
            assert int(answer_headers.pop("content-length")) == len(end)
        return Reply(start["status"], answer_headers, end)


def refusal(reply: Reply, status: int) -> str:
    assert reply.status == status
    closing = {"connection": "close"} if status in (408, 413) else {}  # the client may send the rest of the body
    assert reply.headers == {"content-type": "application/json"} | closing
    return reply.error
