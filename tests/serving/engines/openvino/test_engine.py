"""Tests that OpenVINO's outputs equal TensorFlow's, and that TensorFlow runs the requests that OpenVINO cannot run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.base import Runner
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import FOLDER, Entry, Index, OpenVinoFiles, read
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.saved_model import read_signatures

from ...conftest import MODEL


@pytest.fixture(scope="module")
def runners(models: Path, converted_files: OpenVinoFiles, tensorflow: TensorFlow) -> Iterator[Mapping[str, Runner]]:
    """Returns OpenVINO's runners for the SavedModel `networks`. TensorFlow is the fallback."""
    loaded = OpenVino(converted_files, tensorflow).load(models / "networks", read_signatures(models / "networks"))
    yield loaded
    for runner in loaded.values():
        runner.close()


@pytest.fixture(scope="module")
def no_fallback(models: Path, converted_files: OpenVinoFiles) -> Mapping[str, Runner]:
    """Returns OpenVINO's runners for the SavedModel `networks`, without a fallback."""
    return OpenVino(converted_files).load(models / "networks", read_signatures(models / "networks"))


@pytest.fixture(scope="module")
def expected(models: Path, tensorflow: TensorFlow) -> Iterator[Mapping[str, Runner]]:
    """Returns TensorFlow's runners for the SavedModel `networks`."""
    loaded = tensorflow.load(models / "networks", read_signatures(models / "networks"))
    yield loaded
    for runner in loaded.values():
        runner.close()


def assert_same(got: Mapping[str, Any], want: Mapping[str, Any]) -> None:
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].dtype == value.dtype
        np.testing.assert_allclose(got[name], value, rtol=1e-5, atol=1e-6)


# === Outputs ===


@pytest.mark.parametrize("batch", [1, 2, 33])
@pytest.mark.parametrize("name", ["dense", "dense_copy", "same_name", "conv", "bytes", "integers"])
def test_outputs_equal_tensorflow(
    models: Path, runners: Mapping[str, Runner], expected: Mapping[str, Runner], name: str, batch: int
) -> None:
    signature = read_signatures(models / "networks")[name]
    spec = signature.inputs["x"]
    rng = np.random.default_rng(batch)
    shape = (batch, *(spec.shape or ())[1:])
    x = (rng.integers(0, 256, shape) if spec.dtype.name != "float" else rng.normal(size=shape)).astype(spec.dtype.numpy)
    outputs = list(signature.outputs)
    assert runners[name].engine == "openvino"
    assert_same(runners[name]({"x": x}, outputs), expected[name]({"x": x}, outputs))


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_outputs_of_an_exported_model_equal_keras(
    saved_models: Path, keras_model: Any, tensorflow: TensorFlow, files: OpenVinoFiles, batch: int
) -> None:
    folder = saved_models / MODEL / "1"
    x = np.random.default_rng(batch).random((batch, 8, 8, 1), np.float32)
    want = keras_model.predict(x, verbose=0)
    definition = {"denoise": read_signatures(folder)["denoise"]}
    for engine in (OpenVino(files), tensorflow):
        runner = engine.load(folder, definition)["denoise"]
        np.testing.assert_allclose(runner({"image": x}, ["denoised"])["denoised"], want, atol=1e-5)
        runner.close()


def test_only_requested_outputs_are_returned(runners: Mapping[str, Runner]) -> None:
    x = {"x": np.ones((2, 8, 8, 1), np.float32)}
    assert list(runners["conv"](x, ["y"])) == ["y"]
    assert list(runners["conv"](x, ["y", "a"])) == ["y", "a"]
    assert runners["conv"](x, ["a"])["a"].tolist() == [[1], [1]]


def test_arrays_that_are_not_contiguous_or_not_aligned(runners: Mapping[str, Runner]) -> None:
    x = np.random.default_rng(2).random((3, 12), np.float32)
    want = runners["dense"]({"x": x[:, ::2].copy()}, ["y"])["y"]
    fortran = np.asfortranarray(x[:, ::2])
    unaligned = np.frombuffer(b"x" + x[:, ::2].tobytes(), np.float32, 18, 1).reshape(3, 6)
    for odd in (x[:, ::2], fortran, unaligned):
        np.testing.assert_array_equal(runners["dense"]({"x": odd}, ["y"])["y"], want)


def test_outputs_are_not_overwritten_by_the_next_run(runners: Mapping[str, Runner]) -> None:
    first = runners["dense"]({"x": np.ones((1, 6), np.float32)}, ["y"])["y"]
    copy = first.copy()
    runners["dense"]({"x": np.zeros((1, 6), np.float32)}, ["y"])
    np.testing.assert_array_equal(first, copy)


def test_the_runner_keeps_at_most_one_infer_request_per_thread(models: Path, converted_files: OpenVinoFiles) -> None:
    runner: Any = OpenVino(converted_files).load(models / "networks", read_signatures(models / "networks"))["dense"]
    x = np.random.default_rng(0).random((100, 1, 6), np.float32)
    want = runner({"x": x[:, 0]}, ["y"])["y"]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda row: runner({"x": row}, ["y"])["y"][0], x))
    np.testing.assert_allclose(answers, want, rtol=1e-6)
    assert 1 <= len(runner._idle) <= 5


# === Requests that TensorFlow runs ===

UNUSUAL = {
    "wrong_width": np.ones((2, 7), np.float32),
    "rank_1": np.ones(6, np.float32),
    "rank_3": np.ones((2, 3, 6), np.float32),
    "empty": np.ones((0, 6), np.float32),
    "nan": np.full((1, 6), np.nan, np.float32),
    "infinite": np.array([[1, -np.inf, 1, np.inf, 1, 1]], np.float32),
    "huge": np.full((1, 6), 3e38, np.float32),
    "denormal": np.full((1, 6), 1e-40, np.float32),
}


def outcome(runner: Runner, x: Any) -> Any:
    """Returns the output. If the run fails, returns the class and the first line of the error."""
    try:
        return runner({"x": x}, ["y"])["y"]
    except Exception as error:
        return type(error), str(error).splitlines()[0]


@pytest.mark.parametrize("signature", ["dense", "conv"])
@pytest.mark.parametrize("case", UNUSUAL)
def test_tensorflow_runs_unusual_inputs(
    runners: Mapping[str, Runner], expected: Mapping[str, Runner], signature: str, case: str
) -> None:
    got, want = (outcome(engine[signature], UNUSUAL[case]) for engine in (runners, expected))
    if isinstance(want, tuple):
        assert got == want
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 5, 100])
def test_tensorflow_rejects_short_sequences(
    runners: Mapping[str, Runner], expected: Mapping[str, Runner], steps: int
) -> None:
    x = np.random.default_rng(0).random((2, steps, 6), np.float32)
    got, want = (outcome(engine["steps"], x) for engine in (runners, expected))
    assert isinstance(want, tuple) == (steps < 4)
    if isinstance(want, tuple):
        assert got == want
    else:
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_the_error_message_comes_from_tensorflow(runners: Mapping[str, Runner]) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^Matrix size-incompatible: In\[0\]: \[2,7\], In\[1\]: \[6,8\]\n\t \[\["
    ):
        runners["dense"]({"x": UNUSUAL["wrong_width"]}, ["y"])


def test_tensorflow_runs_requests_that_fail_in_openvino(
    runners: Mapping[str, Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    runner: Any = runners["dense"]
    x = {"x": np.ones((1, 6), np.float32)}
    want = runner(x, ["y"])["y"]

    def fail(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(runner, "_run", fail)
    np.testing.assert_allclose(runner(x, ["y"])["y"], want, rtol=1e-6)


def test_invalid_inputs_without_tensorflow(no_fallback: Mapping[str, Runner]) -> None:
    with pytest.raises(InvalidArgument, match=r"^Expected shape \[-1, 6\] for input x. Received: \[2, 7\]$"):
        no_fallback["dense"]({"x": UNUSUAL["wrong_width"]}, ["y"])
    short = r"^Expected shape \[-1, -1, 6\] of at least 4 for input x. Received: \[2, 3, 6\]$"
    with pytest.raises(InvalidArgument, match=short):
        no_fallback["steps"]({"x": np.ones((2, 3, 6), np.float32)}, ["y"])
    for value in (np.nan, np.inf, 1e13):
        with pytest.raises(
            InvalidArgument, match=r"^Expected numbers of at most 1e\+12 for input x\. .* needs TensorFlow"
        ):
            no_fallback["dense"]({"x": np.full((1, 6), value, np.float32)}, ["y"])


@pytest.mark.parametrize("name", ["dense", "conv", "steps"])
def test_a_batch_without_rows_has_no_answers_of_earlier_requests(no_fallback: Mapping[str, Runner], name: str) -> None:
    shape = {"dense": (6,), "conv": (8, 8, 1), "steps": (5, 6)}[name]
    earlier = no_fallback[name]({"x": np.ones((2, *shape), np.float32)}, ["y"])["y"]
    got = no_fallback[name]({"x": np.ones((0, *shape), np.float32)}, ["y"])["y"]
    assert got.shape == (0, *earlier.shape[1:]) and got.dtype == earlier.dtype
    if name == "steps":
        with pytest.raises(InvalidArgument, match=r"^Expected shape .* of at least 4 for input x"):
            no_fallback[name]({"x": np.ones((2, 0, 6), np.float32)}, ["y"])


# === Files ===


def test_the_engine_uses_the_files_of_an_export(saved_models: Path, files: OpenVinoFiles) -> None:
    folder = saved_models / MODEL / "1"
    index = read(folder / FOLDER)
    assert index is not None
    by_signature = OpenVino(files).load(folder, read_signatures(folder))
    assert index.plans.keys() == {"encode_png", "denoise_png"}
    assert by_signature.keys() == set(index.reasons) == index.signatures.keys() | index.plans.keys()
    assert set(OpenVino(files).load(folder, {"encode": read_signatures(folder)["encode"]})) == {"encode"}


def test_files_of_another_model_are_not_used(
    saved_models: Path, tmp_path: Path, files: OpenVinoFiles, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    weights = folder / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert OpenVino(files).load(folder, read_signatures(folder)) == {}
    assert "made from another SavedModel" in caplog.text


DAMAGED = ["no json", '{"fingerprint": 3}', "", "[]", "3", '{"fingerprint": 3, "signatures": 5, "reasons": {}}']


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_index_is_ignored(saved_models: Path, tmp_path: Path, files: OpenVinoFiles, damage: str) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    (folder / FOLDER / "index.json").write_text(damage)
    assert OpenVino(files).load(folder, read_signatures(folder)) == {}


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
def test_files_that_were_changed_are_ignored(
    saved_models: Path, tmp_path: Path, files: OpenVinoFiles, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    index = read(folder / FOLDER)
    assert index is not None
    changed = Path(index.signatures["encode"].file).with_suffix(suffix)
    changed.write_bytes(changed.read_bytes() + b" ")
    assert OpenVino(files).load(folder, read_signatures(folder)) == {}
    assert "ignored OpenVINO files that were changed" in caplog.text


def test_an_unusable_file_is_ignored(
    saved_models: Path, tmp_path: Path, files: OpenVinoFiles, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    index = read(folder / FOLDER)
    assert index is not None
    broken = Path(index.signatures["encode"].file)
    broken.write_text("<net/>")
    entries = {name: replace(entry, digest="") for name, entry in index.signatures.items()}
    replace(index, signatures=entries).write(folder / FOLDER)
    by_signature = OpenVino(files).load(folder, read_signatures(folder))
    usable = {name for name, entry in index.signatures.items() if Path(entry.file) != broken}
    assert set(by_signature) == usable | {"denoise_png"} and "encode" not in usable
    assert "unusable OpenVINO file" in caplog.text


def test_an_index_cannot_name_files_in_other_folders(saved_models: Path, tmp_path: Path, files: OpenVinoFiles) -> None:
    folder = shutil.copytree(saved_models / MODEL / "1", tmp_path / "1")
    index = json.loads((folder / FOLDER / "index.json").read_text())
    for suffix in (".xml", ".bin"):
        shutil.move(
            (folder / FOLDER / index["signatures"]["encode"]["file"]).with_suffix(suffix), tmp_path / f"e{suffix}"
        )
    index["signatures"]["encode"]["file"] = "../../../e.xml"
    (folder / FOLDER / "index.json").write_text(json.dumps(index))
    assert "encode" not in OpenVino(files).load(folder, read_signatures(folder))


def test_writing_and_reading_an_index(tmp_path: Path) -> None:
    entries = {
        "a": Entry(str(tmp_path / "0.xml"), 1e6, 3, independent_rows=True),
        "c": Entry(str(tmp_path / "1.xml"), 1e6),
    }
    index = Index("f", entries, {"a": "openvino (2.0x faster)", "b": "tensorflow (x)"})
    for name in ("0.xml", "0.bin", "1.xml", "1.bin"):
        (tmp_path / name).write_text(name)
    index.write(tmp_path)
    assert read(tmp_path) == index
    assert index.is_intact()
    assert not replace(index, fingerprint="other").is_intact()
    assert str(index) == "a: openvino (2.0x faster), b: tensorflow (x); not without TensorFlow"
    text = (tmp_path / "index.json").read_text()
    for value in ("false", "1", '"true"', "null"):
        (tmp_path / "index.json").write_text(text.replace('"independent_rows": true', f'"independent_rows": {value}'))
        changed = read(tmp_path)
        assert changed is not None and not changed.signatures["a"].independent_rows
    assert read(tmp_path / "nothing") is None
