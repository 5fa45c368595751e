"""Tests of a server with several worker processes: the workers have equal outputs, and killed workers are replaced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from keras_gallery.serving.client import Client
from keras_gallery.serving.config.server_config import METRICS_PATH
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port

from ... import waiting
from ..conftest import MODEL, embedded_only

until = partial(waiting.until, seconds=30, pause=0.02)

pytestmark = embedded_only()
SECONDS = 30


def children(pid: int) -> list[int]:
    """Returns the process ids of a server's workers."""
    output = subprocess.run(
        ["pgrep", "--parent", str(pid), "--full", "serving[.]server[.]worker"], capture_output=True, text=True
    ).stdout
    return [int(line) for line in output.split()]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the files that the flags of the server name."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "monitoring").write_text("prometheus_config { enable: true }")
    (folder / "batching").write_text("max_batch_size { value: 64 }")
    return folder


@pytest.fixture(scope="module")
def pool(saved_models: Path, files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("workers") / "server.log"
    flags = [
        "--workers=3",
        "--shutdown_grace_seconds=5",
        f"--monitoring_config_file={files / 'monitoring'}",
        f"--batching_parameters_file={files / 'batching'}",
        "--enable_batching",
        f"--request_log={files / 'log'}",
    ]
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("embedded", {MODEL: saved_models / MODEL}, log=log, flags=flags, **ports) as running:
        running.wait_until_ready()
        yield running


def answers(pool: ServerProcess, images: Any, times: int = 20) -> set[str]:
    """Returns the set of answers and errors. Each request has a new connection, so that requests reach all workers."""
    results = set()
    for _ in range(times):
        for address in (pool.rest, pool.grpc):
            try:
                with Client(address, timeout=SECONDS) as client:
                    code = client.encode(MODEL, images)
                results.add(str(np.round(code.sum(), 3)))
            except ServingError as error:
                results.add(repr(error))
    return results


def test_all_workers_have_the_same_outputs(pool: ServerProcess, images: Any) -> None:
    assert pool.process is not None
    assert len(children(pool.process.pid)) == 3
    assert len(answers(pool, images)) == 1


def test_status_and_reload_cover_all_workers(pool: ServerProcess, saved_models: Path) -> None:
    """Each request has a new connection, so that requests reach all workers."""
    import grpc
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    def ask(names: list[str]) -> None:
        request = model_management_pb2.ReloadConfigRequest()
        for name in names:
            request.config.model_config_list.config.add(
                name=name, base_path=str(saved_models / MODEL), model_platform="tensorflow"
            )
        with grpc.insecure_channel(pool.grpc) as channel:
            model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=SECONDS)

    ask([MODEL, "second"])
    assert {httpx.get(f"{pool.rest}/v1/models/second").status_code for _ in range(20)} == {200}
    metadata = {httpx.get(f"{pool.rest}/v1/models/second/metadata").status_code for _ in range(20)}
    assert metadata == {200}  # each worker has loaded the model
    ask([MODEL])
    metadata = {httpx.get(f"{pool.rest}/v1/models/second/metadata").status_code for _ in range(20)}
    assert metadata == {404}


def test_a_killed_worker_is_replaced(pool: ServerProcess, files: Path, images: Any) -> None:
    """The new worker does not need the files that the flags name."""
    assert pool.process is not None
    shutil.rmtree(files)
    before = set(children(pool.process.pid))
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in children(pool.process.pid))
    assert len(answers(pool, images)) == 1  # the other workers answer all requests
    until(lambda: len(set(children(pool.process.pid)) - before) == 1)  # a new worker has started
    (new,) = set(children(pool.process.pid)) - before
    until(lambda: f'"worker {new}"' in httpx.get(f"{pool.rest}{METRICS_PATH}").text)  # the new worker serves
    assert len(answers(pool, images, 40)) == 1
    assert {httpx.get(f"{pool.rest}{METRICS_PATH}").status_code for _ in range(20)} == {200}


def test_workers_end_with_their_server(saved_models: Path, tmp_path: Path) -> None:
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess(
        "embedded", {MODEL: saved_models / MODEL}, log=tmp_path / "log", flags=["--workers=2"], **ports
    ) as running:
        running.wait_until_ready()
        assert running.process is not None
        workers = children(running.process.pid)
        assert len(workers) == 2
        running.process.kill()
        running.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))
