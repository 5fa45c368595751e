"""Measures the CPU time that the server's own code takes for a request, in one process and without a network.

    python benchmarks/request_path.py [--protocol gRPC] [--model dense] [--batch 1] [--in-flight 16] [--requests 20000]
                                      [--profile]

The program loads a model as a worker process does, and calls the ASGI application of the gRPC or REST API. It keeps
`--in-flight` requests in progress: when a request is answered, the next request begins. The program prints the CPU time
of all threads for a request, in microseconds. This time does not include h2corn, the HTTP server in Rust.

With `--profile`, it prints the functions that take most of the time. The profiler sees only the thread of the event
loop, and it makes each call of a Python function slower.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import serve_models
from keras_gallery.serving.config import flags
from keras_gallery.serving.lifecycle.host import Published
from keras_gallery.serving.server import node
from keras_gallery.serving.server.loop import run
from serve_common import PREDICT, SHAPES, example, request_of

Application = Callable[[dict[str, Any], Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]
WARM_UP = 1000  # requests before the measurement
LINES = 30  # functions in the table of the profiler
TRAILERS: dict[str, Any] = {"http.response.trailers": {}}


class Immediate:
    """An awaitable with a result that is there already."""

    def __init__(self, result: Any = None) -> None:
        self._result = result

    def __await__(self) -> Generator[None, None, Any]:
        return self._result
        yield


class Applications:
    """Stands in for the server's ports, and keeps the applications that the server would run there."""

    grpc: Application
    rest: Application

    def __init__(self, grpc_api: Any, rest_api: Any, values: argparse.Namespace, budget: Any, *_: Any) -> None:
        Applications.grpc = grpc_api.application(values.max_request_bytes, budget)
        Applications.rest = rest_api

    async def open(self, *_: Any) -> None:
        pass

    async def drain(self) -> None:
        pass


class Client:
    """Calls an application with the same request again and again.

    Args:
        application: the ASGI application.
        scope: the ASGI scope of the request.
        body: the body of the request.
    """

    def __init__(self, application: Application, scope: dict[str, Any], body: bytes) -> None:
        self._application, self._scope = application, scope
        self._body = {"type": "http.request", "body": body, "more_body": True}
        self._end = {"type": "http.request", "body": b"", "more_body": False}

    async def check(self) -> None:
        """Sends one request. Exits if the answer is an error."""
        events: list[dict[str, Any]] = []
        await self._call(lambda event: Immediate(events.append(event)))
        headers = dict(header for event in events for header in event.get("headers", ()))
        if events[0].get("status") != 200 or headers.get(b"grpc-status", b"0") != b"0":
            sys.exit(f"The request failed: {events}")

    async def send(self, requests: int, in_flight: int) -> None:
        """Sends requests and waits for all answers. When a request is answered, the next request begins."""
        loop, sent = asyncio.get_running_loop(), Immediate()
        finished, begun, ended = loop.create_future(), 0, 0

        def begin(task: asyncio.Task[None] | None = None) -> None:
            nonlocal begun, ended
            if finished.done():
                return
            if task:
                ended += 1
                if error := task.exception():
                    finished.set_exception(error)
                    return
            if begun < requests:
                begun += 1
                loop.create_task(self._call(lambda event: sent)).add_done_callback(begin)
            elif ended == requests:
                finished.set_result(None)

        for _ in range(in_flight):
            begin()
        await finished

    def _call(self, send: Callable[[Any], Any]) -> Any:
        events = [Immediate(self._end), Immediate(self._body)]
        return self._application(dict(self._scope), events.pop, send)


def client_of(options: argparse.Namespace) -> Client:
    """Returns the client for the options' protocol, model and batch size."""
    array = example(options.model, options.batch)
    scope = {"type": "http", "method": "POST", "query_string": b"", "client": ("127.0.0.1", 1), "extensions": {}}
    if options.protocol == "gRPC":
        message = request_of(options.model, {"x": array})
        headers = [(b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"user-agent", b"benchmark")]
        scope |= {"path": PREDICT, "headers": headers, "extensions": TRAILERS}
        return Client(Applications.grpc, scope, b"\0" + len(message).to_bytes(4, "big") + message)
    path = f"/v1/models/{options.model}:predict"
    scope |= {"path": path, "raw_path": path.encode(), "headers": [(b"content-type", b"application/json")]}
    return Client(Applications.rest, scope, json.dumps({"instances": array.tolist()}).encode())


async def measure(options: argparse.Namespace) -> None:
    values = flags.parse([f"--model_base_path={options.models / options.model}", "--workers=2"])
    with patch.object(node, "Front", Applications):
        worker = node.Node(values, lambda: sys.exit("TensorFlow would run this model."), name="benchmark")
        worker.host.load(1, options.model, 1, options.models / options.model / "1")
        worker.host.publish({options.model: Published({1: 1}, {})})
        await worker.open(None, None)  # type: ignore[arg-type]
    client = client_of(options)
    await client.check()
    await client.send(WARM_UP, options.in_flight)
    if options.profile:
        profiler = cProfile.Profile()
        profiler.enable()
        await client.send(options.requests, options.in_flight)
        profiler.disable()
        pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(LINES)
    else:
        times = []
        for _ in range(options.rounds):
            before = time.process_time()
            await client.send(options.requests, options.in_flight)
            times.append((time.process_time() - before) * 1e6 / options.requests)
        name = f"{options.protocol} {options.model} b{options.batch}, {options.in_flight} in flight"
        print(f"{name}: {median(times):.1f} microseconds of CPU time a request ({min(times):.1f}–{max(times):.1f})")
    worker.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=("gRPC", "REST"), default="gRPC", help="API (default: gRPC)")
    parser.add_argument("--model", choices=sorted(set(SHAPES) - {"images"}), default="dense", help="default: dense")
    parser.add_argument("--batch", type=int, default=1, help="rows of a request (default: 1)")
    parser.add_argument("--in-flight", type=int, default=16, help="requests in progress at once (default: 16)")
    parser.add_argument("--requests", type=int, default=20_000, help="number of requests of a round (default: 20000)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--profile", action="store_true", help="print the profile of one round instead")
    parser.add_argument("--models", type=Path, help="folder of the exported models (default: a temporary one)")
    options = parser.parse_args()
    options.models = serve_models.prepare_models(options.models)
    run(measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
