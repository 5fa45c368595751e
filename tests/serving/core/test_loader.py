"""Tests of loading with several engines and of warm-up. The engines are fakes in Python."""

from __future__ import annotations

import asyncio
import itertools
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import saved_model, warmup_file
from keras_gallery.serving.config.server_config import BatchingParameters
from keras_gallery.serving.core import loader, servable
from keras_gallery.serving.core.loader import Batching, Loader
from keras_gallery.serving.core.servable import Servable
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.errors import InvalidArgument, NotFound, PermissionDenied, Unimplemented
from keras_gallery.serving.observe.metrics import Metrics
from keras_gallery.serving.wire import messages

NAMES = ("encode", "decode", "score")


class Runner:
    """A fake runner. Records each call, and raises `fails` if `fails` is not None."""

    def __init__(
        self, engine: str, fails: Exception | None = None, can_join: Callable[[Arrays], bool] | None = None
    ) -> None:
        self.engine, self.fails = engine, fails
        self.can_join: Callable[[Arrays], bool] | None = can_join
        self.calls: list[tuple[list[str], Sequence[str]]] = []
        self.closed = 0

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        self.calls.append((sorted(inputs), tuple(outputs)))
        if self.fails:
            raise self.fails
        return dict.fromkeys(outputs, next(iter(inputs.values())))

    def close(self) -> None:
        self.closed += 1


class Engine:
    """A fake engine for the signatures in `takes`.

    The rows of the signature "score" do not depend on each other.

    `load` raises `error` unless `error` is None. The runners raise `fails` unless `fails` is None.
    """

    def __init__(
        self, name: str, takes: Sequence[str], error: Exception | None = None, fails: Exception | None = None
    ) -> None:
        self.name, self.takes, self.error, self.fails = name, takes, error, fails
        self.offered: list[str] = []
        self.made: dict[str, Runner] = {}

    def load(self, folder: Path, signatures: Mapping[str, Any]) -> dict[str, Any]:
        self.offered = sorted(signatures)
        if self.error:
            raise self.error
        self.made = {
            name: Runner(self.name, self.fails, (lambda inputs: True) if name == "score" else None)
            for name in signatures
            if name in self.takes
        }
        return dict(self.made)

    def close(self) -> None:
        """Does nothing."""


def load(name: str, version: int, folder: Path, engines: Sequence[Engine], **options: Any) -> Servable:
    return Loader(engines, Metrics(), **options)(name, version, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved = messages.SavedModel()
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.graph_def.node.add().name = "a node"
    for name in NAMES:
        for info in (graph.signature_def[name].inputs["x"], graph.signature_def[name].outputs["y"]):
            info.dtype = 1
            info.tensor_shape.unknown_rank = True
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())
    return tmp_path


def record_requests(folder: Path, *requests: Any) -> None:
    (folder / warmup_file.FILE).parent.mkdir()
    with open(folder / warmup_file.FILE, "wb") as file:
        for request in requests:
            data = messages.PredictionLog(predict_log={"request": request}).SerializeToString()
            file.write(struct.pack("<QI", len(data), 0) + data + bytes(4))


def request(signature: str, inputs: Sequence[str] = ("x",), outputs: Sequence[str] = (), dtype: int = 1) -> Any:
    tensors = {name: {"dtype": dtype, "float_val": [1.5]} for name in inputs}
    return {"model_spec": {"name": "m", "signature_name": signature}, "inputs": tensors, "output_filter": outputs}


def test_each_signature_uses_the_first_engine_that_supports_it(folder: Path) -> None:
    first, second, third = Engine("first", ["encode"]), Engine("second", NAMES), Engine("third", NAMES)
    loaded = load("m", 3, folder, [first, second, third])
    assert (loaded.name, loaded.version) == ("m", 3)
    assert (first.offered, second.offered, third.offered) == (sorted(NAMES), ["decode", "score"], [])
    chosen = {name: signature.runner.engine for name, signature in loaded.signatures.items()}
    assert chosen == {"encode": "first", "decode": "second", "score": "second"}
    assert not loaded.meta_graph.HasField("graph_def")


def test_signatures_that_no_engine_supports_are_not_served(folder: Path) -> None:
    assert list(load("m", 1, folder, [Engine("e", ["score"])]).signatures) == ["score"]
    with pytest.raises(Unimplemented, match="^No engine can run any signature of .*: decode, encode, score.$"):
        load("m", 1, folder, [Engine("e", [])])


@pytest.mark.parametrize("tflite", [False, True])
def test_restricted_models_must_only_compute(folder: Path, tflite: bool) -> None:
    """A TensorFlow Lite file beside the SavedModel makes no difference."""
    saved = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0]
    graph.graph_def.node[0].op = "Relu"
    for name in NAMES:
        graph.signature_def[name].outputs["y"].name = "a node:0"
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    load("m", 1, folder, [Engine("e", NAMES)], restrict=True, tflite=tflite)
    graph.graph_def.node[0].op = "ReadFile"
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    engine = Engine("e", NAMES)
    with pytest.raises(PermissionDenied, match=r"with operation 'ReadFile', .* \(--restrict_models is on\)$"):
        load("m", 1, folder, [engine], restrict=True, tflite=tflite)
    assert not engine.offered, "no engine may read the model"
    load("m", 1, folder, [engine], tflite=tflite)


def test_restricted_models_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader.allowed_operations, "check", lambda *_: None)
    read, count = saved_model.read_meta_graph, itertools.count(1)
    monkeypatch.setattr(saved_model, "read_meta_graph", lambda *arguments: (next(count), read(*arguments))[1])
    load("m", 1, folder, [Engine("e", NAMES)], restrict=True)
    assert next(count) == 2


def test_no_saved_model(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load("m", 1, tmp_path, [Engine("e", NAMES)])


def test_variables_that_are_not_there_yet(folder: Path) -> None:
    saved = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].graph_def.node.add(name="kernel", op="VarHandleOp")
    saved.meta_graphs[0].saver_def.restore_op_name = "restore"
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    engine = Engine("e", NAMES)
    with pytest.raises(NotFound, match=r"does not exist \(yet\): .*variables\.index$"):
        load("m", 1, folder, [engine])
    assert not engine.offered
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").touch()
    assert load("m", 1, folder, [engine]).signatures.keys() == set(NAMES)


def test_runners_are_closed_after_an_error(folder: Path) -> None:
    good = Engine("good", ["encode"])
    with pytest.raises(InvalidArgument, match="^why$"):
        load("m", 1, folder, [good, Engine("bad", NAMES, InvalidArgument("why"))])
    assert good.made["encode"].closed == 1


@pytest.mark.parametrize(("limit", "size"), [(10, 4), (0, -1)])
def test_warm_up_measures_which_signatures_are_quick(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: int, size: int
) -> None:
    monkeypatch.setattr(servable, "QUICK_SECONDS", limit)
    engine = Engine("e", NAMES)
    record_requests(folder, request("encode"), request("score", outputs=["y"]))
    loaded = load("m", 1, folder, [engine])
    assert {name: signature.quick_bytes for name, signature in loaded.signatures.items()} == {
        "encode": size,
        "score": size,
        "decode": -1,  # never warmed up
    }
    assert engine.made["encode"].calls == [(["x"], ("y",))] * (1 if limit else 1 + loader.TIMED_RUNS)
    assert engine.made["decode"].calls == []


def test_warm_up_can_be_turned_off(folder: Path) -> None:
    engine = Engine("e", NAMES)
    record_requests(folder, request("encode"))
    load("m", 1, folder, [engine], warmups=0)
    assert engine.made["encode"].calls == []


@pytest.mark.parametrize("error", [InvalidArgument("why"), KeyError("x")], ids=["invalid request", "bug"])
def test_a_failed_warm_up_request_does_not_prevent_serving(
    folder: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    record_requests(folder, request("score"))
    loaded = load("m", 1, folder, [Engine("e", NAMES, fails=error)])
    assert loaded.signatures["score"].quick_bytes < 0
    assert f"warm-up request failed: {error!r}" in caplog.text


def test_invalid_warm_up_requests_are_skipped(folder: Path) -> None:
    odd = [{}, request("nothing"), request(""), request("encode", inputs=()), request("encode", dtype=99)]
    record_requests(folder, *odd, request("score"))
    engine = Engine("e", NAMES)
    load("m", 1, folder, [engine])
    calls = engine.made["score"].calls
    assert calls and all(call == (["x"], ("y",)) for call in calls)


@pytest.mark.parametrize("batching", [False, True])
def test_requests_share_runs_if_rows_are_independent_and_batching_is_off(folder: Path, batching: bool) -> None:
    options = {"batching": Batching(BatchingParameters())} if batching else {}
    loaded = load("m", 1, folder, [Engine("e", NAMES)], **options)
    assert {name: bool(each.gatherer) for name, each in loaded.signatures.items()} == {
        "encode": False, "decode": False, "score": not batching
    }  # fmt: skip
    assert {bool(each.batcher) for each in loaded.signatures.values()} == {batching}
    if batching:
        options["batching"].close()


def test_a_version_without_its_own_batching_parameters_is_not_batched(folder: Path) -> None:
    batching = Batching(BatchingParameters(), per_model=True)
    loaded = load("m", 1, folder, [Engine("e", NAMES)], batching=batching)
    assert not any(each.gatherer or each.batcher for each in loaded.signatures.values())
    batching.close()


def test_each_version_has_its_own_batch_threads(folder: Path) -> None:
    batching = Batching(BatchingParameters(num_batch_threads=1, batch_timeout_micros=1))
    gate = threading.Event()
    entered = threading.Event()

    async def ask(loaded: Any) -> Any:
        return await loaded.signatures["score"].batcher.run({"x": np.zeros((1, 2), np.float32)}, ["y"])

    async def scene() -> None:
        slow, other = (load("m", version, folder, [Engine("e", NAMES)], batching=batching) for version in (1, 2))
        slow.signatures["score"].runner = lambda inputs, outputs: entered.set() or gate.wait(20) and {"y": inputs["x"]}
        running = asyncio.create_task(ask(slow))
        async with asyncio.timeout(20):
            await asyncio.to_thread(entered.wait, 20)
            await ask(other)
        assert not running.done()
        running.cancel()
        gate.set()

    try:
        asyncio.run(scene())
    finally:
        gate.set()
        batching.close()
