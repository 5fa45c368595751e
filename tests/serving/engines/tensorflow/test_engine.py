"""Tests of the TensorFlow engine on many SavedModels."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from keras_gallery.serving.engines.base import Runner
from keras_gallery.serving.engines.tensorflow import library as tensorflow_library
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import (
    InvalidArgument,
    NotFound,
    ServingError,
)
from keras_gallery.serving.saved_model import read_signatures

from .process_helpers import load

DTYPES = [
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
]


def strings(*values: bytes) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


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


def test_truncated_weights_are_an_error(models: Path, tmp_path: Path, tensorflow: TensorFlow) -> None:

    folder = shutil.copytree(models / "tf1", tmp_path / "1")
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:10])
    with pytest.raises(ServingError):
        load(tensorflow, folder)
