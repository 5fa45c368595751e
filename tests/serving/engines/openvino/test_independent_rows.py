"""Tests which signatures may share a run between requests: those whose rows do not depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.base import Arrays, Runner
from keras_gallery.serving.engines.openvino.comparison import RunFailed, has_independent_rows
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.openvino.generated_inputs import Inputs
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

WEIGHTS = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def signature(*shapes: tuple[int, ...], dtype: str = "float") -> SignatureDef:
    row = next(row for row in dtypes.DATA_TYPES if row.name == dtype)
    inputs = {name: TensorSpec(f"{name}:0", row, shape) for name, shape in zip("xz", shapes, strict=False)}
    return SignatureDef("s", "", inputs, {"y": TensorSpec("y:0", row, None)})


def is_independent(function: Callable[..., Any], *shapes: tuple[int, ...], dtype: str = "float") -> bool:
    def run(inputs: Arrays) -> Arrays:
        return {"y": np.asarray(function(*inputs.values()))}

    return has_independent_rows(Inputs(signature(*(shapes or ((-1, 3),)), dtype=dtype), 8), run)


def fail_if(condition: bool, value: Any) -> Any:
    if condition:
        raise RunFailed
    return value


INDEPENDENT: dict[str, tuple[Any, ...]] = {
    "dense": (lambda x: np.tanh(x @ WEIGHTS),),
    "rounding errors": (lambda x: x * (1 + np.float32(1e-7) * (len(x) > 1)),),
    "one value for each row": (lambda x: x.max(1),),
    "two inputs": (lambda x, z: x + z, (-1, 3), (-1, 3)),
    "dynamic sizes": (lambda x: x[:, ::-1], (-1, -1)),
}
DEPENDENT: dict[str, tuple[Any, ...]] = {
    "batch mean": (lambda x: x - x.mean(0),),
    "a small part of the batch mean": (lambda x: x + np.float32(1e-4) * x.mean(0),),
    "scale of the batch": (lambda x: x / np.abs(x).max(),),
    "next row": (lambda x: np.roll(x, 1, 0),),
    "number of rows": (lambda x: x * len(x),),
    "only large batches": (lambda x: x * (1 + (len(x) > 5)),),
    "running sum": (lambda x: x.cumsum(0),),
    "sum": (lambda x: x.sum(),),
    "one output for the batch": (lambda x: x.sum(0, keepdims=True),),
    "several rows for each row": (lambda x: np.repeat(x, 2, 0),),
    "an input without rows": (lambda x, z: x + z, (-1, 3), (3,)),
    "a fixed number of rows": (lambda x: x, (2, 3)),
    "no batch of one": (lambda x: fail_if(len(x) == 1, x),),
    "no batch of sixteen": (lambda x: fail_if(len(x) == 16, x),),
}


@pytest.mark.parametrize("case", INDEPENDENT)
def test_independent_rows(case: str) -> None:
    function, *shapes = INDEPENDENT[case]
    assert is_independent(function, *shapes)


@pytest.mark.parametrize("case", DEPENDENT)
def test_dependent_rows(case: str) -> None:
    function, *shapes = DEPENDENT[case]
    assert not is_independent(function, *shapes)


def test_integers_must_be_equal() -> None:
    assert is_independent(lambda x: x * 2, dtype="int32")
    assert not is_independent(lambda x: x + (len(x) > 1), dtype="int32")


# === Runners of real models ===


@pytest.fixture(scope="module")
def runners(models: Path, converted_files: OpenVinoFiles) -> Mapping[str, Runner]:
    return OpenVino(converted_files).load(models / "networks", read_signatures(models / "networks"))


@pytest.mark.parametrize("name", ["dense", "conv", "steps", "bytes"])
def test_a_batch_has_the_outputs_of_its_rows(models: Path, runners: Mapping[str, Runner], name: str) -> None:
    runner = runners[name]
    spec = read_signatures(models / "networks")[name].inputs["x"]
    shape = (16, *(5 if size < 0 else size for size in (spec.shape or ())[1:]))
    x = (np.random.default_rng(1).random(shape) * 9).astype(spec.dtype.numpy)
    assert runner.can_join is not None and runner.can_join({"x": x})
    together = runner({"x": x}, ["y"])["y"]
    alone = np.concatenate([runner({"x": x[row : row + 1]}, ["y"])["y"] for row in range(16)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6 * np.abs(alone).max())


def test_a_signature_with_dependent_rows_shares_no_run(runners: Mapping[str, Runner]) -> None:
    assert runners["batch_mean"].can_join is None


def test_inputs_that_tensorflow_runs_share_no_run(runners: Mapping[str, Runner]) -> None:
    dense, steps = runners["dense"].can_join, runners["steps"].can_join
    assert dense is not None and steps is not None
    good = np.ones((3, 6), np.float32)
    assert dense({"x": good})
    for value in (np.nan, np.inf, -np.inf, 2e12, -2e12):
        bad = good.copy()
        bad[1, 2] = value
        assert not dense({"x": bad})
    for shape in ((0, 6), (3, 7), (6,), (3, 1, 6)):
        assert not dense({"x": np.ones(shape, np.float32)})
    assert steps({"x": np.ones((2, 4, 6), np.float32)})
    assert not steps({"x": np.ones((2, 3, 6), np.float32)})
