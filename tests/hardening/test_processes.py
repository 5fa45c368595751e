"""Tests with killed or stopped processes, and with a full disk."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from . import line_model
from .abused import MODEL, PREDICT, RELOAD, AbusedServer, children, eventually, request

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AbusedServer]:
    """Starts a server with two workers."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    with AbusedServer(base_path, log, workers=2) as running:
        yield running
        running.check()
    assert "Traceback" not in log.read_text(), log.read_text()


@contextlib.contextmanager
def requests_meanwhile(server: AbusedServer) -> Iterator[dict[str, int]]:
    """Sends requests over REST and gRPC, on new connections, during the block. Counts "good" and "lost" requests."""
    counts: dict[str, int] = {}
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                server.check()
                result = "good"
            except (OSError, grpc.RpcError):
                result = "lost"  # the worker process of the connection has ended
            counts[result] = counts.get(result, 0) + 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


def good(counts: dict[str, int], more: int) -> Callable[[], bool]:
    """Returns a function that returns whether there have been `more` good requests since this call."""
    wanted = counts.get("good", 0) + more
    return lambda: counts.get("good", 0) >= wanted


def test_a_killed_worker_is_replaced(server: AbusedServer) -> None:
    with requests_meanwhile(server) as counts:
        for _ in range(2):
            eventually(good(counts, 5))
            before = workers(server)
            os.kill(before[0], signal.SIGKILL)
            eventually(lambda gone=before[0]: gone not in workers(server))
            eventually(good(counts, 20))
    assert counts["good"] > 10 * counts.get("lost", 0)


def workers(server: AbusedServer) -> list[int]:
    """Waits until both workers are ready, and returns their process ids."""
    pids: list[int] = []

    def are_ready() -> bool:
        pids[:] = children(server.process.pid)
        return len(pids) == 2 and all(_listens(pid) for pid in pids)

    eventually(are_ready)
    return pids


def _listens(pid: int) -> bool:
    """Returns whether a worker has its two listening sockets, which it opens after it has loaded the models."""
    sockets = []
    with contextlib.suppress(FileNotFoundError):  # the process may end at any time
        sockets = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    return sum(f"socket:[{row[9]}]" in sockets for row in rows if row[3] == "0A") >= 2


def test_all_workers_killed(server: AbusedServer) -> None:
    for pid in workers(server):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: _answers(server))


def _answers(server: AbusedServer) -> bool:
    try:
        server.check()
    except (OSError, grpc.RpcError):
        return False
    return True


def test_a_stopped_worker(server: AbusedServer) -> None:
    """The other worker still answers. When the stopped worker continues, the server answers all connections."""
    stopped = workers(server)[0]
    clients = [server.connect() for _ in range(12)]  # some of them reach the other worker
    os.kill(stopped, signal.SIGSTOP)
    try:
        answered = 0
        for client in clients:
            client.settimeout(0.3)
            client.sendall(f"GET /v1/models/{MODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            with contextlib.suppress(TimeoutError):
                answered += client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert answered
    finally:
        os.kill(stopped, signal.SIGCONT)
        for client in clients:
            client.close()
    server.check()


def test_a_worker_that_hangs_is_replaced(base_path: Path, tmp_path: Path) -> None:
    """Status, metrics and reloads do not wait for it, and SIGTERM ends the server."""
    (tmp_path / "monitoring").write_text("prometheus_config { enable: true }")
    flags = [f"--monitoring_config_file={tmp_path / 'monitoring'}", "--shutdown_grace_seconds=1"]
    quick = {"processes__worker_process__MAX_MISSED": 2}
    with AbusedServer(base_path, tmp_path / "log", *flags, workers=2, **quick) as server:
        before = workers(server)
        os.kill(before[0], signal.SIGSTOP)
        eventually(lambda: before[0] not in children(server.process.pid))
        after = workers(server)
        assert before[1] in after
        server.check()
        os.kill(after[0], signal.SIGSTOP)
        os.kill(after[1], signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_no_files_left_for_a_new_worker(base_path: Path, tmp_path: Path) -> None:
    with AbusedServer(base_path, tmp_path / "log", workers=2) as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        before = workers(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (4, hard))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: "cannot start a worker" in (tmp_path / "log").read_text())
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        workers(server)
        eventually(lambda: _answers(server))


def test_reloads_after_a_bad_reload(server: AbusedServer, base_path: Path) -> None:
    good = [(MODEL, str(base_path))]
    for path in ("/nowhere/a\0b", "/proc", "/dev/null"):
        with pytest.raises(grpc.RpcError):
            _reload(server, [*good, ("evil", path)])
        for _ in range(4):
            _reload(server, good)
    server.check()


def _reload(server: AbusedServer, models: list[tuple[str, str]]) -> None:
    from keras_gallery.serving.wire import messages

    request = messages.ReloadConfigRequest()
    for name, path in models:
        request.config.model_config_list.config.add(name=name, base_path=path, model_platform="tensorflow")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        channel.unary_unary(RELOAD)(request.SerializeToString(), timeout=10)


def test_a_worker_is_replaced_while_a_version_cannot_be_read(tmp_path: Path) -> None:
    """No request gets status 404. The new worker answers when the version is back."""
    base = tmp_path / MODEL
    line_model.write(base / "1")
    with AbusedServer(base, tmp_path / "log", workers=2) as server:
        before = workers(server)
        (base / "1").rename(base / "away")
        base.rename(tmp_path / "away")
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: f"could not load {MODEL} version 1" in (tmp_path / "log").read_text())
        for _ in range(10):
            server.check()
        (tmp_path / "away" / "away").rename(tmp_path / "away" / "1")
        (tmp_path / "away").rename(base)
        workers(server)
        for _ in range(20):
            server.check()


def test_files_that_change_while_a_worker_is_replaced(tmp_path: Path) -> None:
    """All workers serve the new files in the end. `slope` is what the answers show."""
    base = tmp_path / MODEL
    line_model.write(base / "1")
    line_model.write(tmp_path / "other", slope=3.0)
    with AbusedServer(base, tmp_path / "log", workers=2) as server:
        before = workers(server)
        (base / "1").rename(tmp_path / "old")
        (tmp_path / "other").rename(base / "1")
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: set(_versions(server, 20)) == {2})  # slope 3 is the slope of version 2


def test_a_new_version_while_workers_are_killed(
    server: AbusedServer, base_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In the end, all worker processes serve only the new version."""
    version_2 = tmp_path_factory.mktemp("made") / "2"
    line_model.write(version_2, slope=3.0)
    version_2.rename(base_path / "2")
    os.kill(workers(server)[0], signal.SIGKILL)
    eventually(lambda: set(_versions(server, 20)) == {2})
    (base_path / "2").rename(version_2)
    eventually(lambda: set(_versions(server, 20)) == {1})


def _versions(server: AbusedServer, times: int) -> list[float]:
    """Returns the version that answers on each of `times` new connections. Returns [] if a call fails.

    The slope of a version's model is its version number plus one.
    """
    from keras_gallery.serving.wire import messages

    versions: list[float] = []
    with contextlib.suppress(grpc.RpcError):
        for _ in range(times):
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{server.port}", options) as channel:
                answer = messages.PredictResponse.FromString(channel.unary_unary(PREDICT)(request(), timeout=60))
                versions.append(answer.outputs["y"].float_val[1] - 2)
    return versions if len(versions) == times else []


def test_workers_end_with_the_server(base_path: Path, tmp_path: Path) -> None:
    with AbusedServer(base_path, tmp_path / "log", workers=2) as server:
        started = workers(server)
        server.process.kill()
        server.process.wait()
        eventually(lambda: not any(_runs(pid) for pid in started))


def _runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_request_log_on_a_full_disk(base_path: Path, tmp_path: Path) -> None:
    with AbusedServer(base_path, tmp_path / "log", "--request_log=/dev/full") as server:
        for _ in range(20):
            server.check()
    text = (tmp_path / "log").read_text()
    assert "Traceback" not in text and text.count("No space left on device") == 1
