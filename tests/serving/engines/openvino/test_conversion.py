"""Tests the conversion for OpenVINO: which signatures are converted, and what happens if a conversion fails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.engines.openvino import comparison, conversion, conversion_worker
from keras_gallery.serving.engines.openvino.comparison import Rejected, RunFailed, compare
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.files import FOLDER, Index, OpenVinoFiles, read
from keras_gallery.serving.engines.tensorflow import library as tensorflow_library
from keras_gallery.serving.engines.tensorflow.library import TensorFlowError
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec

# === Conversion of real models ===

REASONS = {
    "dense": "openvino",
    "dense_copy": "openvino",
    "same_name": "openvino",
    "conv": "openvino",
    "bytes": "openvino",
    "integers": "openvino",
    "int64": "tensorflow (different values of y)",  # OpenVINO computes 64-bit integers in 32 bits
    "integer_sum": "tensorflow (integer arithmetic)",
    "double": "tensorflow (dtype double)",
    "division": "tensorflow (operation FloorDiv)",  # the divisor may be zero
    "gather": "tensorflow (operation ResourceGather)",  # the index may be out of range
    "to_integers": "tensorflow (rounding to integers)",
    "random": "tensorflow (operation RandomUniform)",
    "counter": "tensorflow (operation AssignAddVariableOp)",
    "reads_counter": "tensorflow (variables that another signature writes)",
    "generator": "tensorflow (dtype uint64)",
    "reads_generator": "tensorflow (variables that another signature writes)",
    "scattered": "tensorflow (operation ScatterNd)",  # does not write the variable that dense reads
    "loop": "tensorflow (a loop that is not a recurrent layer)",
    "strings": "tensorflow (strings)",
    "any_rank": "tensorflow (unknown rank)",
    "large_factor": "openvino",
    "steps": "openvino",
    "fill": "tensorflow (operation Fill of a size that the inputs may decide)",
    "padded": "openvino",
    "batch_mean": "openvino",
}


@pytest.mark.parametrize("name", REASONS)
def test_the_engine_of_each_signature_and_the_reason(models: Path, converted_files: OpenVinoFiles, name: str) -> None:
    index = converted_files.of(models / "networks")
    assert index is not None
    assert index.reasons.keys() == REASONS.keys()
    assert index.reasons[name].startswith(REASONS[name])
    assert (name in index.signatures) == REASONS[name].startswith("openvino")


def test_equal_signatures_share_a_file(models: Path, converted_files: OpenVinoFiles) -> None:
    index = converted_files.of(models / "networks")
    assert index is not None
    assert index.signatures["dense"].file == index.signatures["dense_copy"].file != index.signatures["conv"].file
    used = {Path(entry.file).name for entry in index.signatures.values()}
    assert used == {file.name for file in Path(index.signatures["dense"].file).parent.glob("*.xml")}


def test_rows_that_depend_on_each_other_are_found(models: Path, converted_files: OpenVinoFiles) -> None:
    index = converted_files.of(models / "networks")
    assert index is not None
    assert {name for name, entry in index.signatures.items() if not entry.independent_rows} == {"batch_mean"}


def test_large_inputs_are_allowed_for_all_networks(models: Path, converted_files: OpenVinoFiles) -> None:
    index = converted_files.of(models / "networks")
    assert index is not None
    assert {entry.limit for entry in index.signatures.values()} == {1e12}


def test_the_minimum_size_is_the_smallest_that_tensorflow_accepts(models: Path, converted_files: OpenVinoFiles) -> None:
    index = converted_files.of(models / "networks")
    assert index is not None
    assert {name: entry.least for name, entry in index.signatures.items() if entry.least > 1} == {"steps": 4}


def test_graphs_of_tensorflow_1(models: Path, files: OpenVinoFiles) -> None:
    assert Converter(files).prepare(models / "tf1")
    index = files.of(models / "tf1")
    assert index is not None
    assert index.signatures.keys() == {"code", "total"}
    assert index.reasons["checked"] == "tensorflow (operation CheckNumerics)"
    with_other_tags = OpenVinoFiles(files.cache, ("serve", "gpu"))
    assert with_other_tags.of(models / "tf1") is None


# === Comparison of engines that are Python functions ===


def signature(dtype: str = "float", shape: tuple[int, ...] = (-1, 3)) -> SignatureDef:
    row = next(row for row in dtypes.DATA_TYPES if row.name == dtype)
    return SignatureDef("s", "", {"x": TensorSpec("x:0", row, shape)}, {"y": TensorSpec("y:0", row, shape)})


def engine(function: Callable[[Any], Any], seconds: float = 0) -> Callable[[Arrays], Arrays]:
    def run(inputs: Arrays) -> Arrays:
        time.sleep(seconds)
        with np.errstate(all="ignore"):
            return {"y": function(inputs["x"])}

    return run


def fail_if(condition: bool, value: Any) -> Any:
    if condition:
        raise RunFailed
    return value


def test_equal_and_faster_engines_are_accepted() -> None:
    verdict = compare(signature(), engine(lambda x: x * 2, 0.01), engine(lambda x: x * 2, 0.002))
    assert (verdict.limit, verdict.least, verdict.independent_rows) == (1e12, 1, True)
    assert verdict.times_faster > 1


def flushed(x: Any) -> Any:
    """Returns the array with zero in place of all numbers below the smallest normal number."""
    return np.where(abs(x) < np.finfo(np.float32).tiny, np.float32(0), x)


def test_denormal_numbers_may_become_zero() -> None:
    """Otherwise an LSTM would run in TensorFlow. A difference that grows from such a number is rejected (below)."""
    compare(signature(), engine(lambda x: x, 0.001), engine(flushed))


UNEQUAL: dict[str, tuple[SignatureDef, Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "values": (signature(), lambda x: x, lambda x: x * np.float32(1.0001), "different values of y"),
    "NaN": (signature(), lambda x: x / x, lambda x: np.ones_like(x), "different values of y"),
    "shape": (signature(), lambda x: x, lambda x: x[:1], "different shape or dtype"),
    "dtype": (signature(), lambda x: x, lambda x: x.astype(np.float64), "different shape or dtype"),
    "a larger size": (signature(shape=(-1, -1)), lambda x: x, lambda x: x + (x.shape[1] > 8), "different values of y"),
    "a smaller size": (signature(shape=(-1, -1)), lambda x: x, lambda x: x + (x.shape[1] < 2), "different values of y"),
    "a size that only OpenVINO accepts": (
        signature(shape=(-1, -1)),
        lambda x: fail_if(x.shape[1] == 9, x),
        lambda x: x,
        "OpenVINO accepts inputs for which TensorFlow fails",
    ),
    "large integers": (signature("int32"), lambda x: x, lambda x: np.clip(x, -(1 << 20), 1 << 20), "different values"),
    "the largest integer": (signature("uint8"), lambda x: x + 1, lambda x: np.minimum(x, 254) + 1, "different values"),
    "negative integers": (signature("int8"), lambda x: x, np.abs, "different values of y"),
    "a batch that only OpenVINO accepts": (
        signature(),
        lambda x: fail_if(len(x) == 7, x),
        lambda x: x,
        "OpenVINO accepts inputs for which TensorFlow fails",
    ),
    "a batch that only TensorFlow accepts": (signature(), lambda x: x, lambda x: fail_if(len(x) == 32, x), "fails"),
    "TensorFlow always fails": (
        signature(),
        lambda x: fail_if(True, x),
        lambda x: x,
        "TensorFlow fails for all sizes tried",
    ),
    "signs of denormal numbers": (signature(), np.sign, lambda x: np.sign(flushed(x)), "different values of y"),
    "overflow": (signature(), lambda x: x, lambda x: np.where(abs(x) > 500, np.inf, x), "large values"),
}


@pytest.mark.parametrize("case", UNEQUAL)
def test_engines_with_different_outputs_are_rejected(case: str) -> None:
    definition, tensorflow, openvino, reason = UNEQUAL[case]
    with pytest.raises(Rejected, match=reason):
        compare(definition, engine(tensorflow, 0.001), engine(openvino))


def test_openvino_is_not_preferred_if_it_is_slower() -> None:
    verdict = compare(signature(), engine(lambda x: x), engine(lambda x: x, 0.005))
    assert verdict.times_faster < 1
    assert re.fullmatch(r"tensorflow \(OpenVINO takes \d+\.\dx as long\)", comparison.reason(verdict.times_faster))
    assert comparison.reason(2.04) == "openvino (2.0x faster)"


def test_the_limit_is_lowered_until_both_engines_overflow_at_the_same_positions() -> None:
    def overflows(x: Any) -> Any:
        return np.where(np.abs(x) > 1e8, np.nan, x)

    assert compare(signature(), engine(lambda x: x, 0.001), engine(overflows))[0] == 1e6


def test_the_minimum_size_of_dynamic_dimensions() -> None:
    def run(x: Any) -> Any:
        return fail_if(x.shape[1] < 32, x)

    verdict = compare(signature(shape=(-1, -1)), engine(run, 0.001), engine(lambda x: x))
    assert verdict.least == 32, "TensorFlow fails for smaller sizes"
    assert compare(signature(shape=(-1, -1)), engine(lambda x: x, 0.001), engine(lambda x: x)).least == 1


# === Conversion process and cache ===


@pytest.fixture
def folder(models: Path) -> Path:
    return models / "networks"


def test_a_second_start_uses_the_cached_files(
    folder: Path, converted_files: OpenVinoFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conversion, "subprocess", None)
    caplog.set_level("INFO")
    assert Converter(converted_files).prepare(folder)
    assert "random: tensorflow (operation RandomUniform)" in caplog.text


def test_no_temporary_files_remain(folder: Path, converted_files: OpenVinoFiles) -> None:
    (cached,) = converted_files.cache.iterdir()
    assert converted_files.cache_folder(saved_model.fingerprint(folder)) == cached
    assert {file.suffix for file in cached.iterdir()} == {".xml", ".bin", ".json"}


def test_each_set_of_tags_has_its_own_files(converted_files: OpenVinoFiles) -> None:
    def cache_folder(*tags: str) -> Path:
        return OpenVinoFiles(converted_files.cache, tags).cache_folder("f")

    assert cache_folder("serve", "gpu") != converted_files.cache_folder("f")
    assert cache_folder("b", "a") == cache_folder("a", "b")


def test_the_default_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert OpenVinoFiles().cache == tmp_path / "keras-gallery" / "openvino"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert OpenVinoFiles().cache == tmp_path / ".cache" / "keras-gallery" / "openvino"


def test_a_conversion_that_takes_too_long(folder: Path, files: OpenVinoFiles, caplog: pytest.LogCaptureFixture) -> None:
    assert not Converter(files, seconds=0.01).prepare(folder)
    assert "the conversion for OpenVINO failed (took more than 0.01 s)" in caplog.text
    index = files.of(folder)
    assert index is not None and not index.complete
    assert set(index.reasons.values()) == {"tensorflow (conversion failed: took more than 0.01 s)"}
    assert index.reasons.keys() == REASONS.keys()


@pytest.mark.parametrize(("crash", "status"), [("kill -SEGV $$", -11), ("echo why >&2; exit 3", 3)])
def test_a_conversion_that_crashes(
    folder: Path,
    files: OpenVinoFiles,
    tmp_path: Path,
    crash: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{crash}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert not Converter(files).prepare(folder)
    assert f"failed (status {status})" in caplog.text
    assert not Converter(files).prepare(folder)  # the next start tries the conversion again
    assert caplog.text.count(f"failed (status {status})") == 2


def test_signatures_converted_before_a_crash_are_used(
    folder: Path, files: OpenVinoFiles, converted_files: OpenVinoFiles
) -> None:
    done = converted_files.of(folder)
    assert done is not None

    class Broken(Converter):
        def convert_into(self, target: Path, folder: Path) -> Any:
            shutil.copytree(Path(done.signatures["dense"].file).parent, target, dirs_exist_ok=True)
            partial = read(target)
            assert partial is not None
            del partial.reasons["strings"]
            partial.write(target)
            return self._complete(target, folder, "status -11", "")

    assert Broken(files).prepare(folder)
    index = files.of(folder)
    assert index is not None
    assert index.reasons == {**done.reasons, "strings": "tensorflow (conversion failed: status -11)"}
    assert not index.complete


def test_closing_the_converter_stops_the_conversion(folder: Path, files: OpenVinoFiles) -> None:
    converter = Converter(files)
    started = threading.Thread(target=converter.prepare, args=(folder,))
    started.start()
    while converter._process is None:
        assert started.is_alive()
        time.sleep(0.001)
    converter.close()
    started.join(60)
    assert not started.is_alive()
    assert files.of(folder) is None  # the next server tries the conversion again
    assert list(files.cache.iterdir()) == []


def test_a_cache_folder_that_cannot_be_created(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    assert not Converter(OpenVinoFiles(tmp_path / "file" / "cache")).prepare(folder)
    assert "not converted for OpenVINO" in caplog.text


def test_a_cache_folder_that_others_can_write_is_not_used(
    folder: Path, converted_files: OpenVinoFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conversion, "subprocess", None)
    assert converted_files.of(folder) is not None
    converted_files.cache.chmod(0o770)
    try:
        assert converted_files.of(folder) is None
        assert not Converter(converted_files).prepare(folder)
    finally:
        converted_files.cache.chmod(0o700)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.endswith(f"{converted_files.cache} must belong to this user, with mode 0700")


def test_a_cache_folder_of_another_user_is_not_used(
    folder: Path, converted_files: OpenVinoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: converted_files.cache.stat().st_uid + 1)
    assert converted_files.of(folder) is None


def test_a_complete_conversion_is_preferred(folder: Path, converted_files: OpenVinoFiles, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "1")
    target = copy / FOLDER
    target.mkdir(parents=True)
    Index(saved_model.fingerprint(folder), {}, {"dense": "tensorflow (killed)"}, complete=False).write(target)
    assert converted_files.of(copy) == converted_files.of(folder)


def test_a_full_disk_or_memory_says_nothing_about_the_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = saved_model.read_meta_graph(folder)
    dense = saved_model.signatures_of(graph)["dense"]
    target = tmp_path / "target"
    target.mkdir()
    converter = conversion_worker.Converter(folder, ["serve"], graph, target)
    full = types.SimpleNamespace(run=lambda *_: (_ for _ in ()).throw(TensorFlowError(8, "no memory")))
    monkeypatch.setattr(converter, "_session", full)
    with pytest.raises(MemoryError, match="no memory"):
        converter.convert(dense)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("cannot write")

    monkeypatch.setattr("openvino.save_model", fail)
    with pytest.raises(Rejected, match="cannot write"):
        converter.convert(dense)
    monkeypatch.setattr(conversion_worker, "FULL_DISK_BYTES", 1 << 62)
    with pytest.raises(OSError, match="The disk is full"):
        converter.convert(dense)


def test_a_folder_without_a_saved_model(tmp_path: Path, files: OpenVinoFiles, caplog: pytest.LogCaptureFixture) -> None:
    assert not Converter(files).prepare(tmp_path)
    assert caplog.text == ""


def test_nothing_is_converted_without_tensorflow(
    folder: Path, files: OpenVinoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorflow_library, "find", lambda: None)
    monkeypatch.setattr(conversion, "subprocess", None)
    assert not Converter(files).prepare(folder)


def test_a_damaged_index_is_replaced(folder: Path, files: OpenVinoFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = files.cache_folder(saved_model.fingerprint(folder))
    files.cache.mkdir(mode=0o700)
    cached.mkdir()
    (cached / "index.json").write_text("{")
    assert not Converter(files, seconds=0.01).prepare(folder)
    assert read(cached) is not None


def test_unused_files_are_removed(folder: Path, files: OpenVinoFiles) -> None:
    old, new = files.cache / "old", files.cache / "new"
    for each in (files.cache, old, new):
        each.mkdir(mode=0o700)
    long_ago = time.time() - 100 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    Converter(files, seconds=0.01).prepare(folder)
    assert new.exists()
    assert not old.exists()
    cached = files.cache_folder(saved_model.fingerprint(folder))
    os.utime(cached, (long_ago, long_ago))
    files.of(folder)
    assert cached.stat().st_mtime > long_ago + 1  # `of` marks the folder as used


def test_openvino_is_not_imported_for_signatures_that_the_rules_exclude(models: Path, files: OpenVinoFiles) -> None:
    """The only signature has strings, so the conversion ends before it imports OpenVINO."""
    code = f"""
import sys; from pathlib import Path
from keras_gallery.serving.engines.openvino import conversion_worker
conversion_worker.convert(Path({str(models / "examples")!r}), ["serve"], Path(sys.argv[1]))
assert "openvino" not in sys.modules
"""
    files.cache.mkdir()
    subprocess.run([sys.executable, "-c", code, str(files.cache)], check=True, timeout=60)
    index = read(files.cache)
    assert index is not None
    assert index.reasons == {"serving_default": "tensorflow (strings)"}
