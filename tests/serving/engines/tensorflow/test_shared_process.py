"""Tests of the start, sharing and end of the TensorFlow process, and of the models that it has loaded."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.tensorflow import process as tensorflow_process
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import (
    Unavailable,
)
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.version_files import stamp_of

from .process_helpers import load, pid_of, state_of, stop, until


def test_all_callers_get_the_same_process(owner: TensorFlowProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        addresses = set(pool.map(lambda _: owner.address(), range(8)))
    assert len(addresses) == 1
    folder = Path(addresses.pop()).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    owner.close()
    assert not folder.exists()
    with pytest.raises(Unavailable):
        owner.address()


def test_parallel_requests(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["two"]

    def run(n: int) -> bool:
        inputs = {"a": np.array([n]), "b": np.full((1, 2), n, np.float32)}
        return runner(inputs, ["sum"])["sum"].tolist() == [[2 * n, 2 * n]]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(run, range(500)))
    assert len(tensorflow.connections._idle) <= 16


def test_models_are_shared_and_counted(models: Path, connect: Callable[[], TensorFlow]) -> None:
    """A model keeps its number while a connection uses the model. A model that is loaded again gets a new number."""
    first, second = connect(), connect()
    folder = models / "shapes"
    first_stream, number = first.connections.load(folder, stamp_of(folder))
    second_stream, second_number = second.connections.load(folder, stamp_of(folder))
    assert second_number == number
    first_stream.close()
    third_stream, third_number = first.connections.load(folder, stamp_of(folder))
    assert third_number == number
    third_stream.close()
    second_stream.close()

    def is_freed() -> bool:
        stream, new_number = first.connections.load(folder, stamp_of(folder))
        stream.close()
        return new_number != number

    until(is_freed)


def test_files_that_change_before_a_late_load(models: Path, tmp_path: Path, owner: TensorFlowProcess) -> None:
    """A process that has loaded the old files still has them. Otherwise, the server must load the version again."""
    folder = Path(shutil.copytree(models / "shapes", tmp_path / "1"))
    signatures = {"scalar": read_signatures(folder)["scalar"]}
    changed: list[Path] = []
    engine = TensorFlow(owner.address, changed=changed.append)
    x = {"x": np.array(1, np.float32)}
    late, early, other = [engine.load_lazily(folder, signatures)["scalar"] for _ in range(3)]
    assert early(x, ["y"])["y"] == 2
    (folder / "variables" / "variables.index").touch()
    assert late(x, ["y"])["y"] == 2 and not changed
    late.close()
    early.close()

    def is_refused() -> bool:
        try:
            other(x, ["y"])
        except Unavailable as error:
            assert str(error).startswith(f"The files in {folder} have changed")
            return True
        other.model.free()
        return False

    until(is_refused)
    assert changed == [folder]
    assert engine.load(folder, signatures)["scalar"](x, ["y"])["y"] == 2
    engine.close()


def test_a_killed_process_is_restarted(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    engines = [connect(), connect()]
    runners = [load(engine, models / "shapes")["scalar"] for engine in engines]
    x = {"x": np.array(1, np.float32)}
    assert [runner(x, ["y"])["y"] for runner in runners] == [2, 2]
    first = pid_of(owner)
    os.kill(first, signal.SIGKILL)
    until(lambda: owner._process is None or owner._process.poll() is not None)
    assert [runner(x, ["y"])["y"] for runner in runners] == [2, 2]
    assert pid_of(owner) != first
    assert "ended with status -9" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_all_processes_of_the_server_does_not_end_the_runs(
    models: Path, process: TensorFlowProcess, tensorflow: TensorFlow, number: signal.Signals
) -> None:
    runner = load(tensorflow, models / "shapes")["scalar"]
    x = {"x": np.array(1, np.float32)}
    runner(x, ["y"])
    pid = pid_of(process)
    os.kill(pid, number)
    time.sleep(0.1)
    assert runner(x, ["y"])["y"] == 2
    assert pid_of(process) == pid


def test_a_request_in_progress_fails_if_the_process_ends(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runner = load(engine, models / "shapes")["scalar"]
    x = {"x": np.array(1, np.float32)}
    runner(x, ["y"])
    stop(pid_of(owner))  # so that the request stays in progress
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(runner, x, ["y"])
        until(lambda: not engine.connections._idle)
        os.kill(pid_of(owner), signal.SIGKILL)
        with pytest.raises(Unavailable, match="ended during the request"):
            answer.result(60)
    assert runner(x, ["y"])["y"] == 2


def test_a_process_that_does_not_answer_is_replaced(
    models: Path,
    owner: TensorFlowProcess,
    connect: Callable[[], TensorFlow],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tensorflow_process, "PING_SECONDS", 0.05)
    monkeypatch.setattr(tensorflow_process, "HANG_SECONDS", 0.5)
    runner = load(connect(), models / "shapes")["scalar"]
    x = {"x": np.array(1, np.float32)}
    runner(x, ["y"])
    first = pid_of(owner)
    stop(first)
    with pytest.raises(Unavailable, match="ended during the request"):
        runner(x, ["y"])
    assert runner(x, ["y"])["y"] == 2
    assert pid_of(owner) != first
    assert f"the TensorFlow process {first} does not answer: killed" in caplog.text


def test_signatures_that_may_have_ended_the_process_run_one_at_a_time(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first death may be due to any run in progress. The second is due to the one run."""
    engine, other = connect(), connect()
    runners = load(engine, models / "shapes")
    inputs = {"scalar": np.array(1, np.float32), "vector": np.ones(3, np.float32)}
    for name, x in inputs.items():
        runners[name]({"x": x}, ["y"])
    stop(pid_of(owner))
    with ThreadPoolExecutor(2) as pool:
        sent, start = [], engine.connections.start
        monkeypatch.setattr(engine.connections, "start", lambda *run: sent.append(start(*run)) or sent[-1])
        answers = [pool.submit(runners[name], {"x": x}, ["y"]) for name, x in inputs.items()]
        until(lambda: len(sent) == 2)
        os.kill(pid_of(owner), signal.SIGKILL)
        for answer in answers:
            with pytest.raises(Unavailable, match="ended during the request"):
                answer.result(60)
        with other.connections.alone():  # as if another process ran a suspect
            answers = [pool.submit(runners[name], {"x": x}, ["y"]) for name, x in inputs.items()]
            with pytest.raises(TimeoutError):
                answers[0].result(0.1)
            assert not answers[1].done()
        for answer in answers:
            assert answer.result(60)["y"].sum() in (2, 3)


def test_a_signature_that_ends_the_process_twice_is_paused(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runners = load(engine, models / "shapes")
    x = {"x": np.array(1, np.float32)}
    for _ in range(2):
        runners["vector"]({"x": np.ones(3, np.float32)}, ["y"])
        stop(pid_of(owner))
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(runners["scalar"], x, ["y"])
            until(lambda: not engine.connections._idle)
            os.kill(pid_of(owner), signal.SIGKILL)
            with pytest.raises(Unavailable, match="ended during the request"):
                answer.result(60)
    with pytest.raises(Unavailable, match=r"^Signature scalar is paused for \d+ s, because"):
        runners["scalar"](x, ["y"])
    assert runners["vector"]({"x": np.ones(3, np.float32)}, ["y"])["y"].tolist() == [1, 1, 1]


def test_closing_the_last_runner_frees_the_model(models: Path, tensorflow: TensorFlow) -> None:
    runners: Any = load(tensorflow, models / "shapes")
    model = runners["scalar"].model
    for name in set(runners) - {"scalar"}:
        runners[name].close()
        runners[name].close()  # closing twice has no effect
    assert model._connection is not None
    runners["scalar"].close()
    assert model._connection is None
    # This run stands for a run that was in progress during the close.
    assert runners["scalar"]({"x": np.array(1, np.float32)}, ["y"])["y"] == 2
    assert model._connection is None


def test_the_process_ends_with_its_parent(models: Path) -> None:
    code = (
        "import os, sys; from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess\n"
        "owner = TensorFlowProcess(); print(owner.address(), owner._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    address, pid = done.stdout.split()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            with pytest.raises(ConnectionError):
                connection.connect(address)
                while connection.recv(1):  # until the process ends
                    pass
                raise ConnectionResetError
    finally:
        Path(address).unlink(missing_ok=True)
        Path(address).parent.rmdir()
    until(lambda: not is_running(int(pid)))


def is_running(pid: int) -> bool:
    try:
        return state_of(Path(f"/proc/{pid}")) != "Z"
    except FileNotFoundError:
        return False


def test_the_error_if_the_process_cannot_be_started() -> None:
    def nowhere() -> str:
        return "/nonexistent/socket"

    with pytest.raises(Unavailable, match="could not be started"):
        TensorFlow(nowhere).connections.load(Path("/nonexistent"), "")
