"""Measures the start of a server: the seconds until it is ready, its memory, and the latency of the first request."""

from __future__ import annotations

import argparse
import io
import time
from statistics import median

import numpy as np
from PIL import Image
from serve_common import KIND, Caller, Table, example, megabytes, port_of, progress, request_of, running

FOLLOWING = 100  # requests after the first
TENSORFLOW_SERVING = "0.9 s, 110–180 MB"


def png() -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray((example("images", 1)[0, :, :, 0] * 255).astype(np.uint8)).save(file, "PNG")
    return np.array([file.getvalue()], object)


def start(options: argparse.Namespace) -> list[Table]:
    """Measures each model with and without warm-up.

    The input of `encode_png` is PNG files, so only TensorFlow can run this signature. The input of the other signatures
    is arrays.
    """
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
