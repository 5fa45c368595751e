"""Tests the TensorFlow Lite engine on files that TensorFlow's converter wrote."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines import tflite
from keras_gallery.serving.engines.base import Runner, WouldBlock
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tflite import TfLite, read_meta_graph
from keras_gallery.serving.errors import Internal, InvalidArgument, Unimplemented
from keras_gallery.serving.wire.signature import TensorSpec


def load(folder: Path) -> dict[str, Runner]:
    return TfLite().load(folder, saved_model.signatures_of(read_meta_graph(folder)))


@pytest.fixture(scope="module")
def runners(models: Path) -> Mapping[str, Runner]:
    return load(models / "tflite")


def words(*values: bytes) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_signatures_equal_those_of_the_saved_model(models: Path) -> None:
    got = saved_model.signatures_of(read_meta_graph(models / "tflite"))
    want = saved_model.read_signatures(models / "tflite_source")

    def plain(specs: Mapping[str, TensorSpec]) -> Any:
        return {name: (spec.dtype, spec.shape) for name, spec in specs.items()}

    assert {name: (plain(each.inputs), each.method_name) for name, each in got.items()} == {
        name: (plain(each.inputs), each.method_name) for name, each in want.items()
    }
    assert {name: list(each.outputs) for name, each in got.items()} == {
        name: list(each.outputs) for name, each in want.items()
    }


@pytest.mark.parametrize("batch", [1, 4, 2, 0])
def test_outputs_equal_tensorflow(
    models: Path, tensorflow: TensorFlow, runners: Mapping[str, Runner], batch: int
) -> None:
    expected = tensorflow.load(models / "tflite_source", saved_model.read_signatures(models / "tflite_source"))
    rng = np.random.default_rng(batch)
    inputs: dict[str, dict[str, Any]] = {
        "serving_default": {"x": rng.normal(size=(batch, 3)).astype(np.float32)},
        "two": {"a": rng.random((batch, 2), np.float32), "b": rng.integers(0, 9, batch, np.int32)},
        "pick": {"words": words(b"a", b"b\0b", b"\xff" * 40), "at": rng.integers(0, 3, batch, np.int32)},
    }
    for name, arrays in inputs.items():
        outputs = {"serving_default": ["y"], "two": ["twice", "sum"], "pick": ["picked"]}[name]
        got, want = runners[name](arrays, outputs), expected[name](arrays, outputs)
        assert list(got) == outputs
        for output in outputs:
            assert got[output].dtype == want[output].dtype
            assert got[output].tolist() == want[output].tolist()
    for runner in expected.values():
        runner.close()


def test_parallel_requests(runners: Mapping[str, Runner]) -> None:
    def run(n: int) -> bool:
        x = np.full((n % 5 + 1, 3), n, np.float32)
        return bool((runners["serving_default"]({"x": x}, ["y"])["y"] == x).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(200)))
    runner: Any = runners["serving_default"]
    assert 1 <= len(runner._model._idle) <= 4


def test_a_file_without_signatures(models: Path) -> None:
    folder = models / "tflite_plain"
    (signature,) = saved_model.signatures_of(read_meta_graph(folder)).values()
    assert signature.name == "serving_default"
    assert {name: spec.shape for name, spec in signature.inputs.items()} == {"a": (-1, 3), "b": (-1, 3)}
    runner = load(folder)["serving_default"]
    for batch in (1, 3):
        a, b = np.random.default_rng(batch).random((2, batch, 3), np.float32)
        answers = runner({"a": a, "b": b}, list(signature.outputs)).values()
        assert sorted(each.tolist() for each in answers) == sorted([(a + b).tolist(), (a * 2).tolist()])


def test_tensorflow_servings_names_in_a_file_without_signatures() -> None:
    class Interpreter:
        def get_input_details(self) -> list[dict[str, str]]:
            return [{"name": "serving_default_x:0"}, {"name": "y"}]

        def get_output_details(self) -> list[dict[str, str]]:
            return [{"name": "Partitioned:1"}, {"name": "Identity"}, {"name": "Partitioned:0"}]

    function = tflite._without_signature(Interpreter())
    names = [{key: each["name"] for key, each in details.items()} for details in (function.inputs, function.outputs)]
    assert names == [
        {"serving_default_x": "serving_default_x:0", "y": "y"},
        {"Identity": "Identity", "Partitioned": "Partitioned:1"},
    ]


@pytest.mark.parametrize("shape", [(2, 4), (1, 1), (3, 300), (4, 3)])
def test_inputs_of_other_sizes_than_in_the_file(runners: Mapping[str, Runner], shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(runners["serving_default"]({"x": x}, ["y"])["y"], np.maximum(x, 0))


def test_sizes_that_the_operations_of_the_file_do_not_allow(runners: Mapping[str, Runner]) -> None:
    a, b = np.ones((3, 2), np.float32), np.ones(4, np.int32)
    with pytest.raises(Internal):
        runners["two"]({"a": a, "b": b}, ["sum"])
    assert runners["two"]({"a": a, "b": b[:3]}, ["sum"])["sum"].tolist() == [[2, 2]] * 3


@pytest.mark.parametrize("shape", [(3,), (1, 1, 3), (), (2, 0)])
def test_wrong_shapes_are_rejected(runners: Mapping[str, Runner], shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgument, match=r"^Expected shape \[-1, 3\] for input x. Received: \["):
        runners["serving_default"]({"x": np.zeros(shape, np.float32)}, ["y"])


def test_a_failed_run_does_not_affect_the_next_one(runners: Mapping[str, Runner]) -> None:
    picked = {"words": words(b"a", b"b"), "at": np.array([5], np.int32)}
    with pytest.raises(Internal, match="gather index out of bounds"):
        runners["pick"](picked, ["picked"])
    picked["at"] = np.array([1], np.int32)
    assert runners["pick"](picked, ["picked"])["picked"].tolist() == [b"b"]


def test_a_folder_without_a_tflite_file(models: Path) -> None:
    assert read_meta_graph(models / "dtypes") is None
    assert TfLite().load(models / "dtypes", saved_model.read_signatures(models / "dtypes")) == {}


@pytest.mark.parametrize("content", [b"", b"no model", bytes(100)])
def test_files_that_are_not_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tflite").write_bytes(content)
    with pytest.raises(InvalidArgument, match="model.tflite: "):
        read_meta_graph(tmp_path)


def test_without_litert(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unimplemented, match="pip install ai-edge-litert"):
        read_meta_graph(models / "tflite")


def test_no_tensorflow_is_imported(models: Path) -> None:
    code = f"""
import sys; from pathlib import Path
from keras_gallery.serving.engines import tflite
assert tflite.read_meta_graph(Path({str(models / "tflite")!r}))
assert "ai_edge_litert" in sys.modules and "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# === Event loop ===


def test_the_operations_of_a_file(models: Path) -> None:
    operations = tflite._operations(models / "tflite" / "model.tflite")
    assert {"RELU", "GATHER"} <= operations
    assert operations.isdisjoint({"WHILE", "CUSTOM"})


@pytest.mark.parametrize(
    ("operation", "name", "is_bounded"),
    [
        ("RELU", "tflite", True),
        ("WHILE", "tflite", False),
        ("WHILE", "tflite_plain", False),
        ("FILL", "tflite", False),  # "two" has an integer input
        ("FILL", "tflite_plain", True),
    ],
)
def test_runs_whose_time_depends_on_values_are_not_on_the_event_loop(
    models: Path, monkeypatch: pytest.MonkeyPatch, operation: str, name: str, is_bounded: bool
) -> None:
    monkeypatch.setattr(tflite, "_operations", lambda file: {operation})
    runner = load(models / name)["serving_default"]
    ones = np.ones((1, 3), np.float32)
    inputs = {"x": ones} if name == "tflite" else {"a": ones, "b": ones}

    async def run() -> Any:
        return runner(inputs, [])

    assert runner(inputs, []) == {}
    if is_bounded:
        assert asyncio.run(run()) == {}
    else:
        with pytest.raises(WouldBlock):
            asyncio.run(run())
