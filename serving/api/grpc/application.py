"""The gRPC API as an ASGI application: finds the method, keeps the deadline, and turns errors into gRPC statuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import monotonic, perf_counter
from typing import Any

from google.protobuf.message import DecodeError

from ...config.auth_tokens import Access, AuthTokens
from ...errors import DeadlineExceeded, Internal, ServingError, Unavailable, Unimplemented
from ...limits import Budget, Share
from ...observe.observation import Observation
from ...observe.observer import Observer
from .protocol import BODY_SECONDS, LARGE_MESSAGE, MessageReader, Receive, frame, status_message, timeout_seconds

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]
Method = Callable[["Call"], Awaitable[None]]

LOOK_SECONDS = 10.0  # pause between two looks at whether calls still wait for their message

_TYPE = (b"content-type", b"application/grpc")
_START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [_TYPE], "trailers": True}
_OK: dict[str, Any] = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}
_ACCEPTED = (b"grpc-accept-encoding", b"identity, deflate, gzip")


class Call:
    """One call of a method.

    Args:
        scope: the ASGI scope of the HTTP request.
        receive: returns the next part of the body.
        send: sends a part of the answer.
        budget: the memory budget of all requests.
        tokens: the tokens that clients must send; None for no tokens.

    Attributes:
        headers: the headers of the request. If the client sends a header twice, only the last value.
        share: the memory of this call.
        error: the reason why the server has ended the call, if it has.
        waiting_since: when the call began to wait for its only message, in the time of `monotonic`.
    """

    __slots__ = (
        *("deadline", "error", "headers", "receive", "scope", "send", "share", "started", "tokens", "waiting_since"),
    )

    def __init__(
        self, scope: dict[str, Any], receive: Receive, send: Send, budget: Budget, tokens: AuthTokens | None = None
    ) -> None:
        self.scope, self.receive, self.send, self.tokens = scope, receive, send, tokens
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.share = Share(budget, (scope.get("client") or ("",))[0])
        self.deadline = float("inf")  # in the time of `monotonic`
        self.started = False  # whether a part of the answer was sent
        self.error: ServingError | None = None
        self.waiting_since = float("inf")

    def access(self) -> Access | None:
        """Returns what the call may do; None if the server has no tokens. Raises the errors of `AuthTokens.access`."""
        return self.tokens.access(self.scope["headers"]) if self.tokens else None

    def messages(self, max_bytes: int) -> MessageReader:
        """Returns a reader for messages of up to `max_bytes` bytes."""
        return MessageReader(self.receive, self.headers.get(b"grpc-encoding"), max_bytes, self.share)

    async def only_message(self, max_bytes: int) -> bytes:
        """Returns the message of a call with one message of up to `max_bytes` bytes."""
        self.waiting_since = monotonic()
        message = await self.messages(max_bytes).read_only()
        self.waiting_since = float("inf")
        return message

    async def answer(self, message: bytes) -> None:
        """Sends a message of the answer."""
        await self.send_frame(frame(message))

    async def send_frame(self, framed: bytes) -> None:
        """Sends a message of the answer that already has its prefix."""
        if not self.started:
            self.started = True
            await self.send(_START)
        await self.send({"type": "http.response.body", "body": framed, "more_body": True})

    async def until_read(self) -> None:
        """Waits until the client has read the answer, or h2corn has closed the stream because it does not read."""
        while (await self.receive())["type"] == "http.request":
            pass

    async def end(self, error: ServingError | None = None) -> None:
        """Ends the answer with the status of `error`, or with status OK."""
        if self.started or error is None:
            if not self.started:
                self.started = True
                await self.send(_START)
            await self.send({"type": "http.response.body", "more_body": False})
            await self.send(_OK if error is None else {"type": "http.response.trailers", "headers": _status(error)})
            return
        self.started = True
        headers = [_TYPE, *_status(error)]
        if isinstance(error, Unimplemented):
            headers.append(_ACCEPTED)
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send({"type": "http.response.body", "more_body": False})


def _status(error: ServingError) -> list[tuple[bytes, bytes]]:
    return [(b"grpc-status", b"%d" % error.code.value), (b"grpc-message", status_message(str(error)))]


class GrpcApplication:
    """The ASGI application.

    Args:
        methods: the methods by path, such as "/tensorflow.serving.PredictionService/Predict".
        budget: the memory budget of all requests.
        tokens: the tokens that clients must send; None for no tokens.
    """

    def __init__(self, methods: Mapping[str, Method], budget: Budget, tokens: AuthTokens | None = None) -> None:
        self._methods, self._tokens = methods, tokens
        self._budget = budget
        self._running: dict[asyncio.Task[Any], Call] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # h2corn then answers with status 403
            return
        call = Call(scope, receive, send, self._budget, self._tokens)
        if not call.headers.get(b"content-type", b"").startswith(b"application/grpc") or scope["method"] != "POST":
            await _refuse(send)
            return
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = call
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._end_late_calls)
        try:
            await self._run(call)
        except OSError:
            pass  # the client has closed the connection or reset the stream
        except asyncio.CancelledError:
            if call.error is None:
                raise
            await _end(call, call.error)
        finally:
            del self._running[task]
            call.share.release()

    def expire(self) -> None:
        """Ends all calls in progress with status UNAVAILABLE."""
        for task, call in list(self._running.items()):
            call.error = Unavailable("The server is stopping.")
            task.cancel()

    def _end_late_calls(self) -> None:
        """Ends the calls whose message has not arrived in time. A timer for each call would slow down all calls."""
        self._timer = None
        last = monotonic() - BODY_SECONDS
        for task, call in list(self._running.items()):
            if call.waiting_since < last:
                call.error = DeadlineExceeded(f"The request was not complete within {BODY_SECONDS:g} s.")
                task.cancel()
        if self._running:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._end_late_calls)

    async def _run(self, call: Call) -> None:
        try:
            method = self._methods.get(call.scope["path"])
            if method is None:
                raise Unimplemented("")  # without a message, as in TensorFlow Serving
            if "http.response.trailers" not in call.scope["extensions"]:
                raise Internal("The header `te: trailers` is missing.")
            timeout = call.headers.get(b"grpc-timeout")
            if timeout is None:
                await self._call(method, call)
                return
            seconds = timeout_seconds(timeout)
            call.deadline = monotonic() + seconds
            try:
                async with asyncio.timeout(seconds):
                    await self._call(method, call)
            except TimeoutError:
                raise DeadlineExceeded("Deadline Exceeded") from None
        except OSError:
            raise
        except Exception as error:
            await _end(call, serving_error(error))

    async def _call(self, method: Method, call: Call) -> None:
        await method(call)
        if call.share.held:  # the memory of a large request or answer counts until the client has read the answer
            await call.until_read()


async def _end(call: Call, error: ServingError) -> None:
    try:
        await call.end(error)
    except (OSError, RuntimeError):  # RuntimeError: the answer was already complete
        pass


async def _refuse(send: Send) -> None:
    """Answers a request that is not gRPC, as gRPC servers do."""
    body = b"This port serves gRPC over HTTP/2. The REST API has its own port.\n"
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 415, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def unary(call_method: Callable[[bytes], Awaitable[bytes]], max_bytes: int) -> Method:
    """Returns a method with one request message and one answer message, for the health of the server.

    Calls are not reported to the observer, and need no token.
    """

    async def method(call: Call) -> None:
        await call.answer(await call_method(await call.only_message(max_bytes)))
        await call.end()

    return method


def observed(
    name: str, call_method: Callable[[bytes, Observation], Awaitable[bytes]], observer: Observer, max_bytes: int
) -> Method:
    """Returns a method with one request message and one answer message, which is reported to the observer.

    The observer may reject a call with ResourceExhausted if too many requests are in progress.
    """

    async def method(call: Call) -> None:
        request = Observation("grpc", name, status="CANCELLED", share=call.share, deadline=call.deadline)
        started = perf_counter()
        try:
            request.access = call.access()
            data = await call.only_message(max_bytes)
            request.request_bytes = len(data)
            observer.begin(request)  # a request whose message is being received is not pending
            try:
                answer = await call_method(data, request)
            except OSError as error:  # a bug: only sending an answer raises OSError if the client is gone
                raise RuntimeError(str(error)) from error
            del data
            request.status, request.response_bytes = "OK", len(answer)
            if len(answer) > LARGE_MESSAGE:
                call.share.take(len(answer))
            framed = frame(answer)
            del answer  # only one copy stays in memory while the client reads the answer
            await call.send_frame(framed)
            await call.end()
        except OSError:
            raise
        except Exception as error:
            problem = serving_error(error)
            request.status = problem.code.name
            problem.__traceback__ = None  # the traceback would keep the request in memory until the answer is sent
            raise problem from None
        except asyncio.CancelledError:
            if call.error is not None:
                request.status = call.error.code.name
            elif monotonic() >= call.deadline:
                request.status = "DEADLINE_EXCEEDED"
            raise
        finally:
            request.seconds = perf_counter() - started
            if observer.detailed:
                host, port = call.scope.get("client") or ("unix", 0)
                request.peer = f"{host}:{port}"
                request.read_headers(call.scope["headers"])
            observer.record(request)

    return method


def stream(
    call_method: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]], max_bytes: int, *, is_open: bool = False
) -> Method:
    """Returns a method that answers a stream of messages with a stream of messages.

    Calls need no token if the method `is_open`.
    """

    async def method(call: Call) -> None:
        if not is_open:
            call.access()
        async for answer in call_method(_all_messages(call, max_bytes)):
            await call.answer(answer)
        await call.end()

    return method


async def _all_messages(call: Call, max_bytes: int) -> AsyncIterator[bytes]:
    reader = call.messages(max_bytes)
    while (message := await reader.read()) is not None:
        yield message


def serving_error(error: Exception) -> ServingError:
    """Returns the error for the client. Logs the traceback if the error is a bug in the server."""
    if isinstance(error, ServingError):
        return error
    if isinstance(error, DecodeError):
        return Internal("")
    log.error("gRPC request failed", exc_info=error)
    return Internal(f"{type(error).__name__}: {error}")  # the answer has one line, the log has the traceback
