"""Tests the TensorFlow engine on many SavedModels. Also tests the start, sharing and end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from keras_gallery.serving.engines.base import DEADLINE, IS_ABANDONED, Arrays, Runner, WouldBlock
from keras_gallery.serving.engines.tensorflow import library as tensorflow_library
from keras_gallery.serving.engines.tensorflow import process as tensorflow_process
from keras_gallery.serving.engines.tensorflow import runner as tensorflow_runner
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    ServingError,
    Unavailable,
)
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.version_files import stamp_of

from .... import waiting

until = partial(waiting.until, seconds=60, pause=0.01)
DTYPES = [
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
]


def load(engine: TensorFlow, folder: Path, tags: tuple[str, ...] = ("serve",)) -> dict[str, Runner]:
    return engine.load(folder, read_signatures(folder, tags))


def strings(*values: bytes) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


# === Any SavedModel ===


@pytest.fixture(scope="module")
def shapes(models: Path, tensorflow: TensorFlow) -> dict[str, Runner]:
    return load(tensorflow, models / "shapes")


@pytest.fixture(scope="module")
def by_dtype(models: Path, tensorflow: TensorFlow) -> dict[str, Runner]:
    return load(tensorflow, models / "dtypes")


@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(by_dtype: dict[str, Runner], name: str, rows: int) -> None:
    dtype = np.dtype(getattr(ml_dtypes, name) if name == "bfloat16" else name)
    raw = np.random.default_rng(rows).integers(0, 2, 3 * rows * dtype.itemsize, np.uint8)
    x = raw.view(dtype).reshape(rows, 3) if name != "bool" else raw.view(bool).reshape(rows, 3)
    y = by_dtype[name]({"x": x}, ["y"])["y"]
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert y.tobytes() == x[:, ::-1].tobytes()


@pytest.mark.parametrize("length", [0, 1, 22, 23, 24, 1000])
def test_strings(by_dtype: dict[str, Runner], length: int) -> None:
    x = strings(b"\0" * length, b"a" * length, bytes(range(length % 256))).reshape(1, 3)
    assert by_dtype["string"]({"x": x}, ["y"])["y"].tolist() == x[:, ::-1].tolist()


def test_many_strings(by_dtype: dict[str, Runner]) -> None:
    x = strings(*(bytes([n % 256]) * (n % 50) for n in range(30_000))).reshape(-1, 3)
    assert by_dtype["string"]({"x": x}, ["y"])["y"].tolist() == x[:, ::-1].tolist()


def test_arrays_that_are_not_contiguous_or_not_aligned(by_dtype: dict[str, Runner]) -> None:
    x = np.arange(24, dtype=np.float64).reshape(3, 8)[:, ::3].T
    unaligned = np.frombuffer(b"x" + np.ascontiguousarray(x.T).tobytes(), np.float64, 9, 1).reshape(3, 3)
    np.testing.assert_array_equal(by_dtype["float64"]({"x": x}, ["y"])["y"], x[:, ::-1])
    np.testing.assert_array_equal(by_dtype["float64"]({"x": unaligned}, ["y"])["y"], unaligned[:, ::-1])


def test_large_arrays(by_dtype: dict[str, Runner]) -> None:
    x = np.random.default_rng(0).random((400_000, 3), np.float32)
    np.testing.assert_array_equal(by_dtype["float32"]({"x": x}, ["y"])["y"], x[:, ::-1])


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 2, 1, 2, 1)])
def test_any_rank(shapes: dict[str, Runner], shape: tuple[int, ...]) -> None:
    x = np.ones(shape, np.float32)
    answer = shapes["any_rank"]({"x": x}, ["size", "x"])
    assert answer["size"] == x.size
    np.testing.assert_array_equal(answer["x"], x)


def test_no_batch_dimension(shapes: dict[str, Runner]) -> None:
    assert shapes["scalar"]({"x": np.array(2, np.float32)}, ["y"])["y"] == 3
    assert shapes["vector"]({"x": np.array([1, 2, 3], np.float32)}, ["y"])["y"].tolist() == [3, 2, 1]


def test_inputs_and_outputs_are_matched_by_name(shapes: dict[str, Runner]) -> None:
    inputs = {"a": np.array([10, 20]), "b": np.array([[1, 2], [3, 4]], np.float32)}
    answer = shapes["two"](inputs, ["sum", "c", "a"])
    assert list(answer) == ["sum", "c", "a"]
    assert answer["sum"].tolist() == [[11, 12], [23, 24]]
    assert answer["c"].tolist() == [[2, 4], [6, 8]]
    assert answer["a"].tolist() == [10, 20]


def test_only_requested_outputs_are_computed(models: Path, tensorflow: TensorFlow) -> None:
    checked = load(tensorflow, models / "tf1")["checked"]
    nan = {"x": np.full((1, 6), np.nan, np.float32)}
    assert np.isnan(checked(nan, ["code"])["code"]).all()
    with pytest.raises(InvalidArgument, match="Expected numbers : Tensor had NaN values"):
        checked(nan, ["y", "code"])


def test_the_number_of_output_choices_is_limited(shapes: dict[str, Runner]) -> None:
    runner: Any = shapes["many"]
    x = np.zeros(1, np.float32)
    for choice in range(1, 1 << 9):
        names = [f"y{n}" for n in range(9) if choice >> n & 1]
        assert {name: float(value[0]) for name, value in runner({"x": x}, names).items()} == {
            name: float(name[1:]) for name in names
        }
    assert len(runner._choices) == 64


def test_error_messages_come_from_tensorflow(shapes: dict[str, Runner]) -> None:
    with pytest.raises(InvalidArgument, match=r"^Incompatible shapes: \[.*\] vs. \[.*\]\n\t \[\[{{.*node add}}\]\]"):
        shapes["two"]({"a": np.arange(3), "b": np.ones((2, 2), np.float32)}, ["sum"])
    with pytest.raises(InvalidArgument, match=r"^Expects arg\[0\] to be float but double is provided$"):
        shapes["vector"]({"x": np.ones(3)}, ["y"])


def test_examples_assets_and_tables(models: Path, tensorflow: TensorFlow) -> None:
    import tensorflow as tf

    rows = [("two", [1.0, 2.0]), ("none", [3.0, 4.0])]
    serialized = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=[word.encode()])),
                    "x": tf.train.Feature(float_list=tf.train.FloatList(value=x)),
                }
            )
        ).SerializeToString()
        for word, x in rows
    ]
    runner = load(tensorflow, models / "examples")["serving_default"]
    answer = runner({"inputs": strings(*serialized)}, ["number", "sum"])
    assert answer["number"].tolist() == [2, -1]
    assert answer["sum"].tolist() == [30, 70]
    with pytest.raises(InvalidArgument, match="Could not parse example input"):
        runner({"inputs": strings(b"no example")}, ["sum"])


@pytest.mark.parametrize("name", ["tf1", "text"])
@pytest.mark.parametrize(("tags", "offset"), [(("serve",), 0.5), (("gpu", "serve"), 100.5)])
def test_graphs_of_tensorflow_1(
    models: Path, process: TensorFlowProcess, name: str, tags: tuple[str, ...], offset: float
) -> None:
    from ..made_models import WEIGHTS

    with contextlib.closing(TensorFlow(process.address, tags)) as engine:
        runners = load(engine, models / name, tags)
        x = np.random.default_rng(1).random((3, 6), np.float32)
        want = x @ WEIGHTS + offset
        np.testing.assert_allclose(runners["code"]({"x": x}, ["code"])["code"], want, rtol=1e-5)
        np.testing.assert_allclose(runners["total"]({"x": x}, ["total"])["total"], want.sum(1), rtol=1e-5)
        assert runners["look_up"]({"word": strings(b"two", b"?")}, ["number"])["number"].tolist() == [2, -1]


@pytest.mark.parametrize("tags", [("train",), ("serve", "tpu"), ()])
def test_tags_without_a_meta_graph(models: Path, process: TensorFlowProcess, tags: tuple[str, ...]) -> None:
    with contextlib.closing(TensorFlow(process.address, tags)) as engine, pytest.raises(NotFound) as from_tensorflow:
        engine.load(models / "tf1", read_signatures(models / "tf1"))
    with pytest.raises(NotFound) as ours:
        read_signatures(models / "tf1", tags)
    assert str(ours.value) == str(from_tensorflow.value)  # our message equals TensorFlow's


def test_a_folder_without_a_saved_model(models: Path, tmp_path: Path, tensorflow: TensorFlow) -> None:
    with pytest.raises(NotFound) as from_tensorflow:
        tensorflow.load(tmp_path, read_signatures(models / "shapes"))
    with pytest.raises(NotFound) as ours:
        read_signatures(tmp_path)
    assert str(ours.value) == str(from_tensorflow.value)


def test_no_signature_is_loaded_without_tensorflow(
    models: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tensorflow_library, "find", lambda: None)
    assert load(tensorflow, models / "shapes") == {}
    assert "TensorFlow is missing (pip install '.[models]'), not served: any_rank, many" in caplog.text


# === The process ===


@pytest.fixture
def owner() -> Iterator[TensorFlowProcess]:
    process = TensorFlowProcess(intra_op=1, inter_op=1)
    yield process
    process.close()


@pytest.fixture
def connect(owner: TensorFlowProcess) -> Iterator[Callable[[], TensorFlow]]:
    """Returns a function that creates an engine. All engines use the TensorFlow process of `owner`."""
    with contextlib.ExitStack() as stack:

        def make() -> TensorFlow:
            engine = TensorFlow(owner.address)
            stack.callback(engine.close)
            return engine

        yield make


def pid_of(owner: TensorFlowProcess) -> int:
    assert owner._process is not None
    return owner._process.pid


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


def test_a_first_run_on_the_event_loop_raises_would_block(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runner = engine.load_lazily(models / "shapes", read_signatures(models / "shapes"))["scalar"]
    x = {"x": np.array(1, np.float32)}

    async def run_on_event_loop() -> Any:
        return runner(x, ["y"])

    with pytest.raises(WouldBlock):
        asyncio.run(run_on_event_loop())
    assert owner._process is None
    assert runner(x, ["y"])["y"] == 2
    assert asyncio.run(run_on_event_loop())["y"] == 2


def stop(pid: int) -> None:
    """Stops a process, and waits until all its threads have stopped."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: all(state_of(thread) == "T" for thread in Path(f"/proc/{pid}/task").iterdir()))


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stops a process during the block."""
    stop(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def resumed(runner: Runner, x: Any, output: str = "y", seconds: float = math.inf) -> Callable[[], Arrays] | None:
    """Runs a signature on the event loop. Returns the attribute `resume` of the WouldBlock that the runner raises."""

    async def run_on_event_loop() -> Callable[[], Arrays] | None:
        DEADLINE.set(time.monotonic() + seconds)
        try:
            runner(x, [output])
        except WouldBlock as blocked:
            return blocked.resume
        raise AssertionError("not blocked")

    return asyncio.run(run_on_event_loop())


def test_the_event_loop_does_not_wait_for_a_slow_run(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    runner = load(engine, models / "shapes")["scalar"]
    x = {"x": np.array(1, np.float32)}
    runner(x, ["y"])
    with stopped(pid_of(owner)):
        started = time.monotonic()
        resume = resumed(runner, x)
        assert time.monotonic() - started < 5
        assert resume is not None
    assert resume()["y"] == 2
    assert len(engine.connections._idle) == 1
    with stopped(pid_of(owner)):
        assert resumed(runner, x) is not None  # nobody waits for the end of this run
    runner(x, ["y"])
    assert len(engine.connections._idle) == 1


def test_large_inputs_and_outputs_are_not_sent_on_the_event_loop(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["any_rank"]
    ones = {"x": np.ones(20_000, np.float32)}
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(runner, ones, ["size"]).result()["size"] == 20_000

    async def run(outputs: list[str]) -> Any:
        return runner({"x": np.broadcast_to(np.float32(1), 4096)}, outputs)

    assert asyncio.run(run(["size"]))["size"] == 4096
    assert resumed(runner, ones, "size") is None  # the run has not begun


def test_a_run_ends_at_its_deadline(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["repeat"]

    def run(n: int, seconds: float) -> Any:
        DEADLINE.set(time.monotonic() + seconds)
        return runner({"n": np.array(n)}, ["y"])["y"]

    in_context = contextvars.copy_context().run
    assert in_context(run, 5, 60) == 5
    for seconds in (0.2, -1):
        with pytest.raises(DeadlineExceeded):
            in_context(run, 1 << 60, seconds)
    assert in_context(run, 5, 60) == 5


def test_a_run_on_the_event_loop_ends_at_its_deadline(models: Path, tensorflow: TensorFlow) -> None:
    runner = load(tensorflow, models / "shapes")["repeat"]
    runner({"n": np.array(1)}, ["y"])
    resume = resumed(runner, {"n": np.array(1 << 60)}, seconds=0.2)
    assert resume is not None
    with pytest.raises(DeadlineExceeded):
        resume()


def test_slow_loops_do_not_take_the_threads_of_other_models(
    models: Path, owner: TensorFlowProcess, connect: Callable[[], TensorFlow]
) -> None:
    engine = connect()
    slow = load(engine, models / "shapes")["repeat"]
    other = load(engine, models / "networks")["loop"]
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores + 2) as pool:
        for _ in range(cores + 1):
            pool.submit(slow, {"n": np.array(1 << 60)}, ["y"])
        try:
            until(lambda: slow_threads(pid_of(owner)) >= cores)
            answer = pool.submit(other, {"x": np.ones((1, 6), np.float32)}, ["y"])
            assert answer.result(30)["y"].tolist() == [[2.0] * 6]
        finally:
            os.kill(pid_of(owner), signal.SIGKILL)  # ends the slow runs


def slow_threads(pid: int) -> int:
    """Returns the number of threads that have used more than 0.1 s of CPU time."""
    ticks = 0.1 * os.sysconf("SC_CLK_TCK")
    stats = [(thread / "stat").read_text().rsplit(")", 1)[1].split() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(fields[11]) >= ticks for fields in stats)


def test_a_loop_without_a_deadline_ends(models: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_runner, "_MAX_LOOP_SECONDS", 0.2)
    with pytest.raises(DeadlineExceeded):
        load(tensorflow, models / "shapes")["repeat"]({"n": np.array(1 << 60)}, ["y"])


def test_a_loop_without_a_client_ends(
    models: Path, tmp_path: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other runs of the model are repeated, and the TensorFlow process goes on."""
    monkeypatch.setattr(tensorflow_runner, "ABANDONED_SECONDS", 0.05)
    monkeypatch.setattr(tensorflow_runner, "_STEP_SECONDS", 0.05)
    runner = load(tensorflow, Path(shutil.copytree(models / "shapes", tmp_path / "1")))["repeat"]
    number = runner.model.number()  # type: ignore[attr-defined]
    abandoned = threading.Event()
    context = contextvars.copy_context()
    context.run(IS_ABANDONED.set, abandoned.is_set)
    with ThreadPoolExecutor(2) as pool:
        endless = pool.submit(context.run, runner, {"n": np.array(1 << 60)}, ["y"])
        other = pool.submit(runner, {"n": np.array(30_000)}, ["y"])
        time.sleep(0.2)
        assert not endless.done()
        abandoned.set()
        with pytest.raises(Cancelled):
            endless.result(30)
        assert other.result(30)["y"] == 30_000
    assert runner.model.number() != number  # type: ignore[attr-defined]
    runner.close()


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


def test_truncated_weights_are_an_error(models: Path, tmp_path: Path, tensorflow: TensorFlow) -> None:
    import shutil

    folder = shutil.copytree(models / "tf1", tmp_path / "1")
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:10])
    with pytest.raises(ServingError):
        load(tensorflow, folder)


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


def state_of(process: Path) -> str:
    """Returns the state of a process or thread, such as "T" for stopped, from its folder in /proc."""
    return (process / "stat").read_text().rsplit(")", 1)[1].split()[0]


def test_the_error_if_the_process_cannot_be_started() -> None:
    def nowhere() -> str:
        return "/nonexistent/socket"

    with pytest.raises(Unavailable, match="could not be started"):
        TensorFlow(nowhere).connections.load(Path("/nonexistent"), "")
