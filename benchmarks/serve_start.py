"""Measures the start of a server: the seconds until it is ready, its memory, and the latency of the first request."""

from __future__ import annotations

import argparse
import io
import socket
import time
from functools import partial
from pathlib import Path
from statistics import median

import grpc
import numpy as np
from keras_gallery.serving.errors import FailedPrecondition
from PIL import Image
from serve_beside import in_turns
from serve_common import KIND, Caller, Table, example, megabytes, port_of, progress, request_of, running
from serve_rows import START, ratio_cells

FOLLOWING = 100  # requests after the first
WORKERS = 2
POLL_SECONDS = 0.005
START_SECONDS = 120.0
TENSORFLOW_SERVING = "1.0–1.2 s, 228–236 MB on another machine"


def png() -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray((example("images", 1)[0, :, :, 0] * 255).astype(np.uint8)).save(file, "PNG")
    return np.array([file.getvalue()], object)


def start(options: argparse.Namespace) -> list[Table]:
    """Measures each model with and without warm-up.

    The input of `encode_png` is PNG files. The input of the other signatures is arrays. With `--beside`, compares two
    servers instead.
    """
    if options.beside:
        return beside(options)
    requests = {
        "dense": {"serving_default": {"x": example("dense", 1)}},
        "images": {"encode": {"image": example("images", 1)}, "encode_png": {"image_bytes": png()}},
    }
    rows: list[dict[str, object]] = []
    for model, inputs in requests.items():
        for warm in (True, False):
            progress(f"start: {model}, warm-up {'on' if warm else 'off'}")
            started = time.perf_counter()
            with running(options, [model], f"--enable_model_warmup={str(warm).lower()}") as server:
                ready = time.perf_counter() - started
                assert server.process is not None
                memory = megabytes(server.process.pid)
                caller = Caller(port_of(server.grpc))
                for signature, arrays in inputs.items():
                    request = request_of(model, arrays, signature)
                    seconds = [timed(caller, request) for _ in range(1 + FOLLOWING)]
                    rows.append(
                        {
                            "model": model,
                            "signature": signature,
                            "warm-up": "on" if warm else "off",
                            "ready s": round(ready, 2),
                            "memory MB": memory,
                            "first request ms": seconds[0] * 1000,
                            "later requests ms": median(seconds[1:]) * 1000,
                        }
                    )
                caller.close()
    title = "Start: memory of all processes when the server is ready, and the first request"
    return [Table(title if KIND != "embedded" else f"{title} (TensorFlow Serving: {TENSORFLOW_SERVING})", rows)]


def timed(caller: Caller, request: bytes) -> float:
    started = time.perf_counter()
    caller.call(request, timeout=60)
    return time.perf_counter() - started


def beside(options: argparse.Namespace) -> list[Table]:
    """Starts this server, with two workers by default, and the other server in turns. Only one of them runs at a time.

    Memory that several processes share is counted once, and in part if programs outside of the server share it too. So
    no other server should run on the machine.
    """
    options = argparse.Namespace(**{**vars(options), "workers": options.workers or WORKERS})
    rounds: list[tuple[list[float], list[float]]] = []
    for number in range(options.rounds):
        progress(f"start: round {number + 1} of {options.rounds}")
        rounds.append(in_turns(number, partial(started, options), partial(started, options, options.beside)))
    rows = []
    for index, name in enumerate(("ready s", "memory MB")):
        this, other = ([figures[index] for figures in each] for each in zip(*rounds, strict=True))
        ratios = [a / b for a, b in zip(this, other, strict=True)]
        rows.append({"measure": name, "this": median(this), "other": median(other), **ratio_cells(ratios, START)})
    kinds = f"{KIND} with {options.workers} workers (this) and {Path(options.beside).name} (other)"
    return [Table(f"Start until the answer to a Predict, and memory then: {kinds}", rows)]


def started(options: argparse.Namespace, program: str | None = None) -> list[float]:
    """Starts a server. Returns the seconds until it has answered a Predict, and its memory in MB when it is ready."""
    request = request_of("dense", {"x": example("dense", 1)})
    begun = time.perf_counter()
    with running(options, ["dense"], program=program, wait=False) as server:
        assert server.process is not None
        while not answers(port_of(server.grpc), request):
            if server.process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise FailedPrecondition("The server did not answer a Predict.")
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - begun
        server.wait_until_ready()
        return [seconds, megabytes(server.process.pid)]


def answers(port: int, request: bytes) -> bool:
    """Returns whether the server answers the request now."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()  # a failed connection of gRPC would retry after a second
        caller = Caller(port)
    except (OSError, grpc.FutureTimeoutError):
        return False
    try:
        caller.call(request, timeout=60)
        return True
    except grpc.RpcError:
        return False
    finally:
        caller.close()
