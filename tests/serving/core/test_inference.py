"""Tests of Predict: outputs, errors, threads and cancelled requests. The models are Python functions."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.batching.batcher import Batcher
from keras_gallery.serving.batching.gatherer import Gatherer
from keras_gallery.serving.batching.threads import BatchThreads
from keras_gallery.serving.config.server_config import BatchingParameters
from keras_gallery.serving.core import inference as inference_module
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.core.servable import Servable, Signature
from keras_gallery.serving.core.served_models import ServedModel, ServedModels
from keras_gallery.serving.engines.base import DEADLINE, IS_ABANDONED, Arrays, WouldBlock
from keras_gallery.serving.errors import (
    Code,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    ServingError,
    Unavailable,
)
from keras_gallery.serving.wire.model_spec import ModelSpec
from keras_gallery.serving.wire.tensor import TensorError

from ..fake_models import Runner, definition, record, serve, signatures

A, B = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(3, dtype=np.int64)
BROKEN = TensorError("no tensor")


def two(inputs: Arrays) -> Mapping[str, Any]:
    return {"sum": inputs["a"] + inputs["b"][:, None].astype(np.float32), "twice": inputs["b"] * 2}


TWO = definition("two", {"a": "float", "b": "int64"}, {"sum": "float", "twice": "int64"})
OPTIONAL = definition("optional", {"a": "float", "b": "int64"}, {"sum": "float"}, defaults={"b": B})
BAD_DEFAULT = definition("bad_default", {"a": "float", "b": "int64"}, {"sum": "float"}, defaults={"b": BROKEN})
ODD = definition("odd", {"a": "float"}, {"sum": "float"}, method="something")


@contextmanager
def inference(
    *pairs: tuple[Any, Callable[[Arrays], Mapping[str, Any]]], check_methods: bool = False
) -> Iterator[tuple[Inference, dict[str, Signature]]]:
    by_name = signatures(*pairs)
    service = Inference(serve(by_name), check_methods=check_methods)
    try:
        yield service, by_name
    finally:
        service.close()


def predict(spec: ModelSpec | None, inputs: Any, outputs: Any = (), check_methods: bool = False) -> Any:
    pairs = [(each, two) for each in (TWO, OPTIONAL, BAD_DEFAULT, ODD)]
    with inference(*pairs, check_methods=check_methods) as (service, _):
        return asyncio.run(service.predict(spec, inputs, outputs, record()))


# === Answers ===


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("m", signature="two"),
        ModelSpec("m", 3, signature="two"),
        ModelSpec("m", label="stable", signature="two"),
    ],
)
def test_all_outputs_of_the_signature(spec: ModelSpec) -> None:
    answered, outputs = predict(spec, {"a": A, "b": B})
    assert answered == ModelSpec("m", 3, signature="two")
    np.testing.assert_array_equal(outputs["sum"], [[0, 1], [3, 4], [6, 7]])
    np.testing.assert_array_equal(outputs["twice"], [0, 2, 4])


def test_only_the_requested_outputs_are_computed() -> None:
    with inference((TWO, two)) as (service, by_name):
        _, outputs = asyncio.run(
            service.predict(ModelSpec("m", signature="two"), {"b": B, "a": A}, ["twice"], record())
        )
        assert list(outputs) == ["twice"]
        ((inputs, wanted),) = by_name["two"].runner.calls  # type: ignore[attr-defined]
        assert (list(inputs), wanted) == (["a", "b"], ("twice",))


def test_the_default_signature() -> None:
    plain = definition(inputs={"a": "float"}, outputs={"y": "float"})
    with inference((plain, lambda x: {"y": x["a"]})) as (service, _):
        answered, _ = asyncio.run(service.predict(ModelSpec("m"), {"a": A}, (), record()))
        assert answered.signature == "serving_default"


def test_a_missing_input_gets_its_default() -> None:
    spec = ModelSpec("m", signature="optional")
    np.testing.assert_array_equal(predict(spec, {"a": A})[1]["sum"], [[0, 1], [3, 4], [6, 7]])
    np.testing.assert_array_equal(predict(spec, {"a": A, "b": B * 0})[1]["sum"], A)


# === Errors ===


def test_a_signature_that_needs_tensorflow() -> None:
    with inference((TWO, two)) as (service, _):
        service.models.servables()[0].meta_graph.signature_def["two_png"].method_name = "tensorflow/serving/predict"
        with pytest.raises(FailedPrecondition, match=r'^The signature "two_png" needs TensorFlow.*: two\.$'):
            asyncio.run(service.predict(ModelSpec("m", signature="two_png"), {}, (), record()))


INVALID: dict[str, tuple[str, Any, Any, type[ServingError], str]] = {
    "unknown signature": ("x", {}, (), FailedPrecondition, 'Serving signature key "x" not found.'),
    "no default signature": (
        "",
        {},
        (),
        FailedPrecondition,
        'Serving signature key "serving_default" not found.',
    ),
    "no inputs": (
        "two",
        {},
        (),
        InvalidArgument,
        "input size does not match signature: 0!=2 len({}) != len({a,b}). Sent extra: {}. Missing but required: {a,b}.",
    ),
    "missing input": (
        "two",
        {"b": B},
        (),
        InvalidArgument,
        "input size does not match signature: 1!=2 len({b}) != len({a,b}). Sent extra: {}. Missing but required: {a}.",
    ),
    "unknown input": (
        "two",
        {"z": A, "b": B, "a": A},
        (),
        InvalidArgument,
        "input size does not match signature: 3!=2 len({a,b,z}) != len({a,b}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    "wrong name": (
        "two",
        {"a": A, "c": B},
        (),
        InvalidArgument,
        "Signature input alias: b(feed name: serving_b:0) not found in request and no default value provided. "
        "Inputs expected to be in the request {a,c}, or default input alias set: ",
    ),
    "invalid tensor": ("two", {"a": A, "b": BROKEN}, (), InvalidArgument, "tensor parsing error: b"),
    "invalid tensor and missing input": ("two", {"a": BROKEN, "c": B}, (), InvalidArgument, "tensor parsing error: a"),
    "invalid tensor and unknown output": (
        "two",
        {"a": BROKEN, "b": B},
        ["x"],
        InvalidArgument,
        "tensor parsing error: a",
    ),
    "unknown output": (
        "two",
        {"a": A, "b": B},
        ["twice", "x"],
        InvalidArgument,
        "output tensor alias not found in signature: x Outputs expected to be in the set {sum,twice}.",
    ),
    "unknown output and wrong dtype": (
        "two",
        {"a": B, "b": B},
        [""],
        InvalidArgument,
        "output tensor alias not found in signature:  Outputs expected to be in the set {sum,twice}.",
    ),
    "duplicate output": (
        "two",
        {"a": A, "b": B},
        ["sum", "sum"],
        InvalidArgument,
        "duplicate output tensor alias: sum",
    ),
    "wrong dtype": ("two", {"a": A, "b": A}, (), InvalidArgument, "Expects arg[1] to be int64 but float is provided"),
    "two wrong dtypes": (
        "two",
        {"a": np.array([b"x"], object), "b": A},
        (),
        InvalidArgument,
        "Expects arg[0] to be float but string is provided",
    ),
    "unknown input for a signature with a default": (
        "optional",
        {"a": A, "b": B, "z": B},
        (),
        InvalidArgument,
        "input size does not match signature: 3!=2 len({a,b,z}) != len({a,b}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    "missing input for a signature with a default": (
        "optional",
        {"b": B},
        (),
        InvalidArgument,
        "Signature input alias: a(feed name: serving_a:0) not found in request and no default value provided. "
        "Inputs expected to be in the request {b}, or default input alias set: b",
    ),
    "wrong name for an input with a default": (
        "optional",
        {"a": A, "c": B},
        (),
        InvalidArgument,
        "Inputs contains invalid name. Used request inputs: a, request input: a,c",
    ),
    "invalid default": ("bad_default", {"a": A}, (), InvalidArgument, "tensor parsing error: b"),
}


@pytest.mark.parametrize(("signature", "inputs", "outputs", "error_class", "message"), INVALID.values(), ids=INVALID)
def test_invalid_requests(
    signature: str, inputs: Any, outputs: Any, error_class: type[ServingError], message: str
) -> None:
    with pytest.raises(error_class) as caught:
        predict(ModelSpec("m", signature=signature), inputs, outputs)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("spec", "error_class", "message"),
    [
        (None, InvalidArgument, "Missing ModelSpec"),
        (ModelSpec(""), InvalidArgument, "ModelSpec has no name specified."),
        (ModelSpec("x"), NotFound, "Servable not found for request: Latest(x)"),
        (ModelSpec("m", 9), NotFound, "Servable not found for request: Specific(m, 9)"),
        (ModelSpec("m", label="x"), InvalidArgument, "Unrecognized servable version label: x"),
    ],
)
def test_errors_for_the_model_spec(spec: ModelSpec | None, error_class: type[ServingError], message: str) -> None:
    with pytest.raises(error_class) as caught:
        predict(spec, {"a": A, "b": B})
    assert str(caught.value) == message


def test_inputs_with_wrong_dtypes_are_numbered_by_their_tensor_names() -> None:
    backwards = definition("s", {"a": "float", "b": "float"}, {"y": "float"})
    a, b = backwards.inputs.values()
    backwards.inputs.update(a=b, b=a)
    with inference((backwards, two)) as (service, _), pytest.raises(InvalidArgument, match=r"^Expects arg\[1\] to be"):
        asyncio.run(service.predict(ModelSpec("m", signature="s"), {"a": B, "b": A}, (), record()))


def test_method_names_are_checked_if_the_check_is_enabled() -> None:
    spec = ModelSpec("m", signature="odd")
    with pytest.raises(ServingError) as caught:
        predict(spec, {}, check_methods=True)
    assert caught.value.code is Code.INTERNAL
    assert str(caught.value) == (
        "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
        "tensorflow/serving/classify, tensorflow/serving/regress}. Was: tensorflow/serving/something"
    )
    with pytest.raises(InvalidArgument, match="^input size"):
        predict(spec, {})


# === Event loop and threads ===


class Gate:
    """A model function that waits until `open` is set."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self, inputs: Arrays) -> Mapping[str, Any]:
        self.thread = threading.current_thread()
        self.entered.set()
        assert self.open.wait(30)
        return {"y": inputs["a"]}


ONE = definition("one", {"a": "float"}, {"y": "float"})


@pytest.mark.parametrize("quick", [True, False])
def test_only_quick_runs_use_the_event_loop(quick: bool) -> None:
    gate = Gate()
    gate.open.set()
    with inference((ONE, gate)) as (service, by_name):
        by_name["one"].quick_bytes = A.nbytes if quick else -1
        asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
    assert (gate.thread is threading.main_thread()) is quick


def test_inputs_above_the_quick_size_run_in_a_thread() -> None:
    gate = Gate()
    gate.open.set()
    with inference((ONE, gate)) as (service, by_name):
        by_name["one"].quick_bytes = A.nbytes - 1
        asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
    assert gate.thread is not threading.main_thread()


def test_a_run_that_would_block_the_event_loop_moves_to_a_thread() -> None:
    gate = Gate()
    gate.open.set()

    def elsewhere(inputs: Arrays) -> Mapping[str, Any]:
        if threading.current_thread() is threading.main_thread():
            raise WouldBlock
        return gate(inputs)

    with inference((ONE, elsewhere)) as (service, by_name):
        by_name["one"].quick_bytes = A.nbytes
        _, outputs = asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
        np.testing.assert_array_equal(outputs["y"], A)


@pytest.mark.parametrize("batched", [False, True])
def test_a_run_that_has_begun_on_the_event_loop_is_resumed_in_a_thread(batched: bool) -> None:
    threads = []

    def resume() -> Arrays:
        threads.append(threading.current_thread())
        return {"y": A}

    def begin(inputs: Arrays) -> Mapping[str, Any]:
        threads.append(threading.current_thread())
        raise WouldBlock(resume)

    with inference((ONE, begin)) as (service, by_name):
        by_name["one"].quick_bytes = A.nbytes
        if batched:
            with ThreadPoolExecutor(1) as pool:
                batch_threads = BatchThreads(1, pool)
            owner = Servable("m", 1, None, {})
            by_name["one"].batcher = Batcher(by_name["one"], owner, BatchingParameters(), batch_threads)
        _, outputs = asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
        np.testing.assert_array_equal(outputs["y"], A)
    assert threads[0] is threading.main_thread() is not threads[1]
    assert len(threads) == 2


@pytest.mark.parametrize("obstacle", ["busy threads", "no thread"])
def test_a_run_that_has_begun_on_the_event_loop_is_always_ended(obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client cancels its request while it waits for a thread, or no thread can be started."""
    gate, ended = Gate(), threading.Event()

    def resume() -> Arrays:
        assert IS_ABANDONED.get()()
        ended.set()
        return {}

    def begin(inputs: Arrays) -> Mapping[str, Any]:
        if len(inputs["a"]) == 1:
            raise WouldBlock(resume)
        return gate(inputs)

    def fail(*_: Any) -> Any:
        raise RuntimeError("can't start new thread")

    async def ask(service: Inference, signature: Signature) -> None:
        begun = service.predict(ModelSpec("m", signature="one"), {"a": A[:1]}, (), record())
        if obstacle == "no thread":
            with monkeypatch.context() as patch, pytest.raises(Unavailable, match="cannot start a thread"):
                patch.setattr(service._pool, "submit", fail)
                signature.quick_bytes = A.nbytes
                await begun
        else:
            slow = asyncio.create_task(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
            await asyncio.to_thread(gate.entered.wait, 30)
            signature.quick_bytes = A.nbytes
            second = asyncio.create_task(begun)
            await asyncio.sleep(0)
            second.cancel()
        assert await asyncio.to_thread(ended.wait, 30)
        gate.open.set()
        if obstacle != "no thread":
            await slow

    monkeypatch.setattr(inference_module, "RETRY_SECONDS", 0.01)
    by_name = signatures((ONE, begin))
    service = Inference(serve(by_name), threads=1)
    try:
        asyncio.run(ask(service, by_name["one"]))
        service.models.find(ModelSpec("m")).close()  # returns, because no request uses the servable
    finally:
        service.close()


def deadlines_seen(*, quick: bool, shares_runs: bool) -> list[float]:
    """Runs a request with the deadline 123. Returns the deadlines that the engine sees."""
    request, seen = record(), []
    request.deadline = 123.0

    def run(inputs: Arrays) -> Mapping[str, Any]:
        seen.append(DEADLINE.get())
        return {"y": inputs["a"]}

    with inference((ONE, run)) as (service, by_name):
        by_name["one"].quick_bytes = A.nbytes if quick else -1
        by_name["one"].gatherer = Gatherer(by_name["one"]) if shares_runs else None
        asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), request))
    return seen


@pytest.mark.parametrize("quick", [True, False])
def test_the_engine_knows_the_deadline(quick: bool) -> None:
    assert deadlines_seen(quick=quick, shares_runs=False) == [123.0]
    assert DEADLINE.get() == math.inf


@pytest.mark.parametrize("quick", [True, False])
def test_only_threads_need_the_deadline_of_a_signature_that_shares_runs(quick: bool) -> None:
    assert deadlines_seen(quick=quick, shares_runs=True) == [math.inf if quick else 123.0]


def test_a_thread_that_cannot_be_started_fails_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("can't start new thread")

    async def ask(service: Inference) -> None:
        request = ModelSpec("m", signature="one"), {"a": A}, ()
        with monkeypatch.context() as patch, pytest.raises(Unavailable, match="cannot start a thread"):
            patch.setattr(threading.Thread, "start", fail)
            await service.predict(*request, record())
        async with asyncio.timeout(30):
            await service.predict(*request, record())
        assert len(called) == 1

    called: list[Arrays] = []

    def run(inputs: Arrays) -> Mapping[str, Any]:
        called.append(inputs)
        return {"y": inputs["a"]}

    by_name = signatures((ONE, run))
    service = Inference(serve(by_name), threads=1)
    try:
        asyncio.run(ask(service))
        service.models.find(ModelSpec("m")).close()  # returns, because no request uses the servable
    finally:
        service.close()


# === Several models ===


@contextmanager
def two_models(slow: Gate, **options: Any) -> Iterator[Inference]:
    """Provides the model "slow", which waits for the gate, and the model "other"."""
    models = ServedModels()
    functions = {"slow": slow, "other": lambda inputs: {"y": inputs["a"]}}
    servables = {name: Servable(name, 1, None, signatures((ONE, each))) for name, each in functions.items()}
    models.publish({name: ServedModel({1: each}) for name, each in servables.items()})
    service = Inference(models, **options)
    try:
        yield service
    finally:
        slow.open.set()
        service.close()


def test_a_slow_model_leaves_threads_to_the_others() -> None:
    async def ask(service: Inference) -> None:
        slow = [
            asyncio.create_task(service.predict(ModelSpec("slow", signature="one"), {"a": A}, (), record()))
            for _ in range(9)
        ]
        await asyncio.to_thread(gate.entered.wait, 30)
        async with asyncio.timeout(30):
            await service.predict(ModelSpec("other", signature="one"), {"a": A}, (), record())
        gate.open.set()
        await asyncio.gather(*slow)

    gate = Gate()
    with two_models(gate, threads=2) as service:
        asyncio.run(ask(service))


def test_a_slow_model_leaves_room_for_requests_to_the_others() -> None:
    async def ask(service: Inference) -> None:
        slow = [
            asyncio.create_task(service.predict(ModelSpec("slow", signature="one"), {"a": A}, (), record()))
            for _ in range(9)
        ]
        async with asyncio.timeout(30):
            await service.predict(ModelSpec("other", signature="one"), {"a": A}, (), record())
        gate.open.set()
        answers = await asyncio.gather(*slow, return_exceptions=True)
        errors = [str(each) for each in answers if isinstance(each, ResourceExhausted)]
        assert 0 < len(errors) < 9
        assert set(errors) == {"Too many requests in progress for model slow: 6."}

    gate = Gate()
    with two_models(gate, threads=1, max_pending=8) as service:
        asyncio.run(ask(service))


async def cancel_during_the_run(service: Inference, gate: Gate) -> None:
    """Starts a request, and cancels the request when its run has begun."""
    request = asyncio.create_task(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
    await asyncio.to_thread(gate.entered.wait, 30)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


def test_a_servable_stays_open_during_the_run_of_a_cancelled_request() -> None:
    gate = Gate()

    with inference((ONE, gate)) as (service, by_name):
        asyncio.run(cancel_during_the_run(service, gate))
        runner = by_name["one"].runner
        assert isinstance(runner, Runner)
        closing = threading.Thread(target=service.models.find(ModelSpec("m")).close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive() and not runner.closed
        gate.open.set()
        closing.join(30)
        assert runner.closed


def test_the_run_of_a_cancelled_request_is_abandoned() -> None:
    seen: list[Callable[[], bool]] = []
    gate = Gate()

    def run(inputs: Arrays) -> Mapping[str, Any]:
        seen.append(IS_ABANDONED.get())
        assert not seen[0]()
        return gate(inputs)

    with inference((ONE, run)) as (service, _):
        asyncio.run(cancel_during_the_run(service, gate))
        assert seen[0]()
        gate.open.set()


def test_a_request_that_is_cancelled_while_it_waits_does_not_run() -> None:
    gate = Gate()
    spec = ModelSpec("m", signature="one")

    async def ask(service: Inference) -> None:
        first = asyncio.create_task(service.predict(spec, {"a": A}, (), record()))
        await asyncio.to_thread(gate.entered.wait, 30)
        second = asyncio.create_task(service.predict(spec, {"a": A}, (), record()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(second, 0.01)
        gate.open.set()
        await first

    by_name = signatures((ONE, gate))
    service = Inference(serve(by_name), threads=1)
    try:
        asyncio.run(ask(service))
        service.models.find(ModelSpec("m")).close()  # returns, because no request uses the servable
    finally:
        service.close()
    assert len(by_name["one"].runner.calls) == 1  # type: ignore[attr-defined]


# === Shared runs ===


@pytest.mark.parametrize("quick", [True, False])
def test_requests_that_are_there_share_a_run(quick: bool) -> None:
    async def ask(service: Inference) -> None:
        records = record(), record()
        spec = ModelSpec("m", signature="one")
        both = [service.predict(spec, {"a": A[:rows]}, (), each) for rows, each in enumerate(records, start=1)]
        answers = await asyncio.gather(*both)
        assert [outputs["y"].tolist() for _, outputs in answers] == [A[:1].tolist(), A[:2].tolist()]
        assert [(each.rows, each.batch_rows, each.engine) for each in records] == [(1, 3, "python"), (2, 3, "python")]
        assert all(each.runtime_seconds > 0 for each in records)
        alone = record()
        await service.predict(spec, {"a": A}, (), alone)
        assert (alone.rows, alone.batch_rows) == (3, 0)

    with inference((ONE, lambda inputs: {"y": inputs["a"]})) as (service, by_name):
        signature = by_name["one"]
        signature.runner.can_join = lambda inputs: True
        signature.quick_bytes = A.nbytes if quick else -1
        signature.gatherer = Gatherer(signature)
        asyncio.run(ask(service))
        assert len(signature.runner.calls) == 2  # type: ignore[attr-defined]
        service.models.find(ModelSpec("m")).close()  # returns, because no request uses the servable


def test_a_servable_stays_open_during_a_shared_run_of_cancelled_requests() -> None:
    gate = Gate()

    with inference((ONE, gate)) as (service, by_name):
        by_name["one"].gatherer = Gatherer(by_name["one"])
        asyncio.run(cancel_during_the_run(service, gate))
        closing = threading.Thread(target=service.models.find(ModelSpec("m")).close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive() and not by_name["one"].runner.closed  # type: ignore[attr-defined]
        gate.open.set()
        closing.join(30)
        assert by_name["one"].runner.closed  # type: ignore[attr-defined]


def test_errors_of_the_model_reach_the_caller() -> None:
    def fail(_: Arrays) -> Mapping[str, Any]:
        raise InvalidArgument("why")

    for quick in (True, False):
        with inference((ONE, fail)) as (service, by_name):
            by_name["one"].quick_bytes = A.nbytes if quick else -1
            with pytest.raises(InvalidArgument, match="^why$"):
                asyncio.run(service.predict(ModelSpec("m", signature="one"), {"a": A}, (), record()))
            service.models.find(ModelSpec("m")).close()
