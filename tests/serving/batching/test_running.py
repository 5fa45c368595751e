"""Tests of running a batch: the rows or the error that each request gets.

The expected outputs are computed for one request at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.batching import running as batch_run
from keras_gallery.serving.batching.running import BatchRunner, Part
from keras_gallery.serving.config.server_config import BatchingParameters
from keras_gallery.serving.errors import FailedPrecondition, Internal, InvalidArgument
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

FLOAT = dtypes.BY_NUMBER[1]
UNEVEN = "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors"


class Signature:
    """Computes outputs from x with `functions`, and records the calls.

    Raises InvalidArgument for values below zero, and Internal for NaN.
    """

    quick_bytes = -1

    def __init__(self, shape: tuple[int, ...] | None = (-1, -1), **functions: Callable[[Any], Any]) -> None:
        self.functions = functions or {"total": lambda x: x.sum(tuple(range(1, x.ndim))), "twice": lambda x: x * 2}
        outputs = {name: TensorSpec(f"{name}:0", FLOAT, None) for name in self.functions}
        self.definition = SignatureDef("some", "", {"x": TensorSpec("x:0", FLOAT, shape)}, outputs)
        self.calls: list[tuple[tuple[int, ...], list[str]]] = []
        self.seen: list[Any] = []

    def run(self, inputs: Any, outputs: Sequence[str]) -> Any:
        self.calls.append((inputs["x"].shape, list(outputs)))
        self.seen.append(inputs["x"])
        if (inputs["x"] < 0).any():
            raise InvalidArgument("a value is under zero")
        if np.isnan(inputs["x"]).any():
            raise Internal("a value is not a number")
        return {name: self.functions[name](inputs["x"]) for name in outputs}


def floats(*shape: int, start: float = 1) -> Any:
    return (np.arange(np.prod(shape)) + start).astype(np.float32).reshape(shape)


def runner(signature: Signature, **parameters: Any) -> BatchRunner:
    return BatchRunner(signature, BatchingParameters(**parameters))


def parts(batch_runner: BatchRunner, *requests: tuple[Any, Sequence[str]]) -> list[Part]:
    return [batch_runner.part({"x": x}, outputs) for x, outputs in requests]


BOTH = ("total", "twice")


def test_each_request_gets_its_own_rows_and_outputs() -> None:
    signature = Signature()
    batch_runner = runner(signature)
    requests = [(floats(1, 3), BOTH), (floats(0, 3), BOTH), (floats(3, 3, start=50), ["twice"]), (floats(2, 3), BOTH)]
    answers = batch_runner.run_all(parts(batch_runner, *requests))
    assert signature.calls == [((6, 3), ["total", "twice"])]
    for (x, outputs), answer in zip(requests, answers, strict=True):
        expected = Signature().run({"x": x}, outputs)
        assert isinstance(answer, dict) and list(answer) == list(outputs)
        assert all((answer[name] == expected[name]).all() for name in outputs)


def test_only_requested_outputs_are_computed() -> None:
    signature = Signature()
    batch_runner = runner(signature)
    batch_runner.run_all(parts(batch_runner, (floats(1, 3), ["twice"]), (floats(1, 3), ["twice"])))
    assert signature.calls == [((2, 3), ["twice"])]


def test_a_single_request_is_not_copied() -> None:
    signature = Signature()
    batch_runner, x = runner(signature), floats(2, 3)
    batch_runner.run_one(batch_runner.part({"x": x}, BOTH))
    assert signature.seen == [x] and signature.seen[0] is x


# === Sizes ===


@pytest.mark.parametrize(("rows", "size"), [(0, 0), (1, 2), (2, 2), (3, 4), (4, 4)])
def test_rows_are_padded_to_an_allowed_size(rows: int, size: int) -> None:
    signature = Signature()
    batch_runner, x = runner(signature, max_batch_size=4, allowed_batch_sizes=(2, 4)), floats(rows, 3)
    part = batch_runner.part({"x": x}, BOTH)
    answer = batch_runner.run_one(part)
    assert signature.calls[0][0] == (size, 3) and batch_runner.size([part]) == size
    assert (signature.seen[0][rows:] == x[:1]).all()
    assert (answer["twice"] == x * 2).all()


def test_a_batch_is_padded_to_an_allowed_size() -> None:
    signature = Signature()
    batch_runner = runner(signature, max_batch_size=8, allowed_batch_sizes=(4, 8))
    one, other = batch_runner.run_all(parts(batch_runner, (floats(1, 3), BOTH), (floats(4, 3, start=9), BOTH)))
    assert signature.calls[0][0] == (8, 3)
    assert isinstance(one, dict) and isinstance(other, dict)
    assert (one["twice"] == floats(1, 3) * 2).all() and (other["twice"] == floats(4, 3, start=9) * 2).all()


@pytest.mark.parametrize("outputs", [BOTH, ["twice"]])
def test_too_many_rows(outputs: Sequence[str]) -> None:
    """A request for all outputs fails if it has too many rows.

    A request for some of the outputs does not fail: TensorFlow Serving never batches such a request.
    """
    signature = Signature()
    batch_runner, x = runner(signature, max_batch_size=8), floats(9, 2)
    if outputs is BOTH:
        with pytest.raises(InvalidArgument) as caught:
            batch_runner.part({"x": x}, outputs)
        assert str(caught.value) == "Task size 9 is larger than maximum input batch size 8"
    else:
        part = batch_runner.part({"x": x}, outputs)
        assert batch_runner.kind(part) is None
        assert (batch_runner.run_one(part)["twice"] == x * 2).all()
        assert signature.calls == [((9, 2), ["twice"])]


def test_the_default_maximum_is_1000_rows() -> None:
    batch_runner = runner(Signature())
    batch_runner.part({"x": floats(1000, 1)}, BOTH)
    with pytest.raises(InvalidArgument, match="Task size 1001 is larger than maximum input batch size 1000"):
        batch_runner.part({"x": floats(1001, 1)}, BOTH)


@pytest.mark.parametrize(
    ("rows", "quick_bytes", "quick"), [(1, 24, True), (1, 23, False), (3, 36, False), (0, -1, False)]
)
def test_the_padded_size_decides_whether_a_run_is_quick(rows: int, quick_bytes: int, quick: bool) -> None:
    signature = Signature()
    signature.quick_bytes = quick_bytes
    batch_runner = runner(signature, max_batch_size=4, allowed_batch_sizes=(2, 4))
    assert batch_runner.is_quick(batch_runner.part({"x": floats(rows, 3)}, BOTH)) is quick


# === Batch keys ===


@pytest.mark.parametrize(
    ("shape", "batched"),
    [((-1, -1), True), (None, True), ((-1, 3), True), ((2, 3), False), ((1, -1), False), ((-1, 4), False)],
)
def test_requests_that_cannot_be_batched_have_no_batch_key(shape: Any, batched: bool) -> None:
    """If the signature has a fixed number of rows, or the shape is wrong, a request runs alone and without padding."""
    signature = Signature(shape)
    batch_runner = runner(signature, max_batch_size=4, allowed_batch_sizes=(4,))
    part = batch_runner.part({"x": floats(2, 3)}, BOTH)
    assert (batch_runner.kind(part) is not None) is batched
    batch_runner.run_one(part)
    assert signature.calls[0][0] == ((4, 3) if batched else (2, 3))


@pytest.mark.parametrize("pads", [False, True])
def test_padding_gives_rows_of_different_lengths_the_same_batch_key(pads: bool) -> None:
    batch_runner = runner(Signature(), pad_variable_length_inputs=pads)
    one, other = map(batch_runner.kind, parts(batch_runner, (floats(1, 3), BOTH), (floats(2, 5), ["twice"])))
    assert (one == other) is pads
    assert one is not None


def test_variable_lengths_are_padded_with_the_first_element() -> None:
    """As in TensorFlow Serving, the inputs and the outputs of the model include the padding."""
    signature = Signature()
    batch_runner = runner(signature, pad_variable_length_inputs=True)
    one, other = batch_runner.run_all(parts(batch_runner, (floats(1, 3, start=7), BOTH), (floats(2, 5), BOTH)))
    assert isinstance(one, dict) and isinstance(other, dict)
    assert one["twice"].tolist() == [[14, 16, 18, 14, 14]] and one["total"].tolist() == [38]
    assert (other["twice"] == floats(2, 5) * 2).all()


# === Memory ===


def test_long_requests_do_not_pad_short_ones_beyond_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "PADDING_BYTES", 100)
    signature = Signature()
    batch_runner = runner(signature, pad_variable_length_inputs=True)
    requests = [(floats(1, 1000), BOTH), *[(floats(1, 1), BOTH)] * 5]
    answers = batch_runner.run_all(parts(batch_runner, *requests))
    assert [shape for shape, _ in signature.calls] == [(1, 1000), *[(1, 1)] * 5]
    for (x, _), answer in zip(requests, answers, strict=True):
        assert isinstance(answer, dict) and (answer["twice"] == x * 2).all()


def test_large_rows_are_not_padded_beyond_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "PADDING_BYTES", 100)
    signature = Signature()
    batch_runner = runner(signature, max_batch_size=64, allowed_batch_sizes=(64,))
    assert (batch_runner.run_one(batch_runner.part({"x": floats(1, 1000)}, BOTH))["twice"] == floats(1, 1000) * 2).all()
    # Padding that is at most as large as the request is allowed.
    batch_runner.run_one(batch_runner.part({"x": floats(40, 1000)}, BOTH))
    assert [shape for shape, _ in signature.calls] == [(1, 1000), (64, 1000)]


# === Errors ===


def test_invalid_data_fails_only_its_own_request() -> None:
    signature = Signature()
    batch_runner = runner(signature)
    good, bad = floats(2, 3), floats(1, 3, start=-9)
    answers = batch_runner.run_all(parts(batch_runner, (good, BOTH), (bad, BOTH), (good, ["twice"])))
    assert [isinstance(answer, InvalidArgument) for answer in answers] == [False, True, False]
    assert isinstance(answers[0], dict) and (answers[0]["twice"] == good * 2).all()
    assert isinstance(answers[2], dict) and list(answers[2]) == ["twice"]


def test_an_engine_error_fails_all_requests() -> None:
    signature = Signature()
    batch_runner = runner(signature)
    with pytest.raises(Internal):
        batch_runner.run_all(parts(batch_runner, (floats(1, 2), BOTH), (floats(1, 2) * np.nan, BOTH)))
    assert len(signature.calls) == 1


@pytest.mark.parametrize(
    ("function", "message"),
    [(lambda x: x.sum(), "Batched output tensor has 0 dimensions"), (lambda x: x[:1], UNEVEN)],
    ids=["scalar", "wrong number of rows"],
)
@pytest.mark.parametrize("together", [False, True])
def test_outputs_without_rows(function: Any, message: str, together: bool) -> None:
    """A request for all outputs fails. A request for some of the outputs gets the same outputs as without batching."""
    batch_runner = runner(Signature(odd=function, twice=lambda x: x * 2))
    requests = parts(batch_runner, (floats(2, 3), ["odd", "twice"]), (floats(3, 3), ["odd"]), (floats(1, 3), ["twice"]))
    answers = batch_runner.run_all(requests) if together else [batch_runner.run_all([part])[0] for part in requests]
    assert isinstance(answers[0], FailedPrecondition) and str(answers[0]) == message
    assert isinstance(answers[1], dict) and (answers[1]["odd"] == function(floats(3, 3))).all()
    assert isinstance(answers[2], dict) and (answers[2]["twice"] == floats(1, 3) * 2).all()


def test_inputs_without_rows() -> None:
    batch_runner = runner(Signature(None, same=lambda x: x, twice=lambda x: x * 2))
    with pytest.raises(InvalidArgument, match="must have at least one dimension"):
        batch_runner.part({"x": np.float32(3).reshape(())}, ["same", "twice"])
    part = batch_runner.part({"x": np.float32(3).reshape(())}, ["twice"])
    assert batch_runner.run_one(part)["twice"] == 6


def test_a_signature_with_a_fixed_number_of_rows() -> None:
    batch_runner = runner(Signature((3,), y=lambda x: x[::-1]))
    assert batch_runner.run_one(batch_runner.part({"x": floats(3)}, ["y"]))["y"].tolist() == [3, 2, 1]
