"""Tests of waiting requests: memory after cancellation, and which requests count as pending."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.core.servable import Signature
from keras_gallery.serving.observe.observation import Observation
from keras_gallery.serving.wire.model_spec import ModelSpec

from ..serving.fake_models import Runner, definition, serve
from .abused import BODY, MODEL, AbusedServer

pytestmark = pytest.mark.long

THREADS = 2


def test_cancelled_requests_free_their_arrays() -> None:
    """A request that waits for a thread frees its arrays when it is cancelled, even if no thread is free."""
    held = threading.Event()

    def slow(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        held.wait(60)
        return {"y": inputs["x"]}

    async def ask(inference: Inference) -> None:
        running = [asyncio.create_task(_predict(inference, np.zeros(1, np.float32))) for _ in range(THREADS)]
        await asyncio.sleep(0)
        arrays = [np.zeros(1000, np.float32) for _ in range(20)]
        watched = [weakref.ref(array) for array in arrays]
        waiting = [asyncio.create_task(_predict(inference, array)) for array in arrays]
        del arrays
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        del waiting, task
        gc.collect()
        alive = sum(each() is not None for each in watched)
        held.set()
        await asyncio.gather(*running)
        assert alive == 0

    runner = Runner(slow)  # type: ignore[arg-type]
    signature = Signature(definition("serving_default", {"x": "float"}, {"y": "float"}), runner)
    inference = Inference(serve({"serving_default": signature}), threads=THREADS)
    asyncio.run(ask(inference))
    inference.close()
    assert len(runner.calls) == THREADS


async def _predict(inference: Inference, x: np.ndarray) -> None:
    await inference.predict(ModelSpec("m"), {"x": x}, (), Observation("grpc", "Predict"))


def test_slow_bodies_do_not_count_as_pending_requests(base_path: Path, tmp_path: Path) -> None:
    head = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    with AbusedServer(base_path, tmp_path / "log", "--max_pending_requests=4") as server:
        with contextlib.ExitStack() as clients:
            for _ in range(20):
                clients.enter_context(server.connect()).sendall(head + BODY[:1])
            server.check()
