"""The real network side of a server, with fake models: h2corn answers gRPC and REST on free ports, in a thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from keras_gallery.serving.api.front import Front
from keras_gallery.serving.api.grpc.services import GrpcApi
from keras_gallery.serving.api.rest.application import RestApi
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.server_config import Ssl
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.core.servable import Signature
from keras_gallery.serving.core.served_models import ServedModels
from keras_gallery.serving.limits import Budget
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.observe.observation import Observation
from keras_gallery.serving.observe.observer import Observer
from keras_gallery.serving.ports import listen_unix, reserve

from ..fake_models import serve

SECONDS = 20  # time limit of each wait


class FrontServer:
    """A `Front` that runs on an event loop in a thread.

    Args:
        signatures: the signatures of the model "m", or all models.
        control: the control of the server.
        arguments: flags.
        tls: keys and certificates, by API.
        budget: the memory budget of all requests.
        max_pending: the maximum number of requests in progress.
        unix: the path of a Unix socket for gRPC.
        rest: further arguments of `RestApi`.
        options: further arguments of `GrpcApi`.

    Attributes:
        grpc_port, rest_port: the ports.
        channel: an unencrypted channel to the gRPC port.
        api: the gRPC API.
        ended: set at the end of each Predict call, whether the call succeeds or fails.
    """

    def __init__(
        self,
        signatures: Mapping[str, Signature] | ServedModels,
        control: Any = None,
        *,
        arguments: Sequence[str] = (),
        tls: Mapping[str, Ssl] | None = None,
        budget: int = 1 << 31,
        max_pending: int = 1024,
        unix: str | None = None,
        rest: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.control = control
        self.budget = Budget(budget)
        self.ended = threading.Event()
        self._unix, self._rest = unix, rest or {}
        self._signatures, self._arguments, self._tls, self._options = signatures, arguments, tls or {}, options
        self._held = [reserve("127.0.0.1", 0, flag) for flag in ("port", "rest_api_port")]
        self.grpc_port, self.rest_port = (each.getsockname()[1] for each in self._held)
        self._observer = Observer(Metrics(), self, max_pending=max_pending)
        self._requests: list[Observation] = []
        self._changed = threading.Condition()
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run_thread)

    def _run_thread(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _run(self) -> None:
        values = flags.parse(
            [
                "--model_base_path=/m",
                "--host=127.0.0.1",
                f"--port={self.grpc_port}",
                f"--rest_api_port={self.rest_port}",
                *self._arguments,
            ],
            {},
        )
        models = self._signatures
        inference = Inference(models if isinstance(models, ServedModels) else serve(models))
        api = self.api = WatchedApi(self.ended, inference, self.control, self._observer, **self._options)
        tokens = self._options.get("tokens")
        rest = RestApi(inference, self.control, self._observer, self.budget, tokens=tokens, **self._rest)
        front = Front(api, rest, values, self.budget, self._tls)
        self.loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await front.open(listen_unix(self._unix) if self._unix else None)
        self._started.set_result(None)
        await self._end.wait()
        await front.drain()
        inference.close()

    def record(self, request: Observation) -> None:
        """Stores an observed request. A `Sink` needs this method."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def close(self) -> None:
        """Does nothing. A `Sink` needs this method."""

    def __enter__(self) -> FrontServer:
        self._thread.start()
        try:
            self._started.result(SECONDS)
        except BaseException:
            self._release_ports()
            raise
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}")
        return self

    def seen(self, **fields: Any) -> Observation:
        """Waits for an observed request with these values, and returns the last such request."""

        def matching() -> list[Observation]:
            return [each for each in self._requests if fields.items() <= dataclasses.asdict(each).items()]

        with self._changed:
            assert self._changed.wait_for(matching, SECONDS), f"no such request in {self._requests}"
            return matching()[-1]

    @property
    def metrics(self) -> Metrics:
        return self._observer.metrics

    @property
    def pending(self) -> int:
        """The number of requests in progress."""
        return self._observer.metrics.pending

    def until(self, condition: Callable[[], Any]) -> None:
        """Waits until a condition is true, which is checked on the server's event loop."""

        async def wait() -> None:
            async with asyncio.timeout(SECONDS):
                while not condition():
                    await asyncio.sleep(0.001)

        asyncio.run_coroutine_threadsafe(wait(), self.loop).result()

    def start_stopping(self) -> None:
        """Lets the server drain. Returns at once."""
        with contextlib.suppress(RuntimeError):  # the server has already stopped
            self.loop.call_soon_threadsafe(self._end.set)

    def stop(self) -> None:
        """Drains and stops the server."""
        if self._thread.is_alive():
            self.start_stopping()
            self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.channel.close()
            self._release_ports()

    def _release_ports(self) -> None:
        for each in self._held:
            each.close()

    def call(self, method: str, request: Any = b"", timeout: float = 10) -> bytes:
        """Calls a gRPC method, and returns the bytes of the answer."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        return bytes(self.channel.unary_unary(method)(data, timeout=timeout))


class WatchedApi(GrpcApi):
    """Sets the event `ended` at the end of each Predict call."""

    def __init__(self, ended: threading.Event, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ended = ended

    async def predict(self, data: bytes, request: Observation) -> bytes:
        self._ended.clear()
        try:
            return await super().predict(data, request)
        finally:
            self._ended.set()


def refusal(server: FrontServer, method: str, request: Any = b"", **options: Any) -> tuple[str, str]:
    """Calls a gRPC method that fails, and returns the name of the code and the message."""
    try:
        server.call(method, request, **options)
    except grpc.RpcError as caught:
        error: Any = caught
        return error.code().name, error.details()
    raise AssertionError("the call did not fail")
