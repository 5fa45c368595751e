"""Tests of reading layers models that TensorFlow.js saved (see `files/make_tfjs.cjs`), and malformed models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import (
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
    ServingError,
)
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np

from ...tensorflow_js import MODULES, needs_tensorflow_js

FILES = Path(__file__).parents[1] / "files" / "tfjs"
NAMES = sorted(folder.name for folder in FILES.iterdir())
WEIGHTS = "model.weights.bin"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_NODE_MODULES", str(MODULES))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that copies a model, changes its model.json or its weights, and returns the folder."""

    def change(change: Change = lambda described: None, weights: bytes | None = None, name: str = "several") -> Path:
        folder = shutil.copytree(FILES / name, tmp_path / "changed")
        described = json.loads((folder / "model.json").read_text("utf-8"))
        change(described)
        (folder / "model.json").write_text(json.dumps(described), "utf-8")
        if weights is not None:
            (folder / WEIGHTS).write_bytes(weights)
        return folder

    return change


def recorded(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the inputs and the outputs that TensorFlow.js computed."""
    answers = json.loads((FILES / name / "answers.json").read_text("utf-8"))
    inputs, outputs = (
        [np.array(each["values"], np.float32).reshape(each["shape"]) for each in answers[key]]
        for key in ("inputs", "outputs")
    )
    return inputs, outputs


def answers(model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    result = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [keras.ops.convert_to_numpy(each) for each in keras.tree.flatten(result)]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_tensorflow_js(name: str, read: Callable[..., Any]) -> None:
    result = read(FILES / name)
    inputs, outputs = recorded(name)
    for got, want in zip(answers(result.model, inputs), outputs, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
    assert result.description.startswith("layers model of TensorFlow.js, written by tfjs-layers 4.22.0: ")
    assert result.method == "rebuilt as a Keras 3 model" and result.reference is None


def test_changes_are_reported(read: Callable[..., Any]) -> None:
    changes = read(FILES / "recurrent" / "model.json").changes
    assert any("hard_sigmoid" in change and "lstm_LSTM1" in change for change in changes)


@needs_tensorflow_js
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_runs_in_tensorflow_js(name: str, installed: None, read: Callable[..., Any]) -> None:
    result = read(FILES / name)
    inputs, outputs = recorded(name)
    got = result.reference({tensor.name: x for tensor, x in zip(result.model.inputs, inputs, strict=True)})
    assert result.reference_name == "TensorFlow.js 4.22.0"
    assert list(got) == [output._keras_history.operation.name for output in result.model.outputs]
    for value, want in zip(got.values(), outputs, strict=True):
        np.testing.assert_array_equal(value, want)


@needs_tensorflow_js
def test_an_import_compares_with_tensorflow_js(tmp_path: Path, installed: None) -> None:
    """The sandbox of the import must allow the Node program."""
    from keras_gallery.serving.importer.process import Request, import_file

    progress: list[str] = []
    place = import_file(Request(FILES / "dense_autoencoder"), tmp_path, report=progress.append)
    assert place == tmp_path / "dense_autoencoder" / "1"
    assert any(line.startswith("Compared with TensorFlow.js 4.22.0: ") for line in progress)


@needs_tensorflow_js
def test_packages_in_the_working_directory_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]
) -> None:
    """A downloaded folder can contain a malicious `node_modules`."""
    monkeypatch.delenv("GALLERY_NODE_MODULES", raising=False)
    (tmp_path / "node_modules").symlink_to(MODULES)
    monkeypatch.chdir(tmp_path)
    assert read(FILES / "several").reference is None


def test_files_of_the_converter(changed: Callable[..., Path], read: Callable[..., Any]) -> None:
    """The converter writes a deeper configuration, several groups and files, and weight names with the cell's name."""

    def as_converted(described: dict[str, Any]) -> None:
        topology = described["modelTopology"]
        version, _ = topology.pop("keras_version"), topology.pop("backend")
        assert version == "tfjs-layers 4.22.0"
        described["modelTopology"] = {"keras_version": "2.12.0", "backend": "tensorflow", "model_config": topology}
        (group,) = described["weightsManifest"]
        for spec in group["weights"]:
            spec["name"] = spec["name"].replace("lstm_LSTM1/", "lstm_LSTM1/lstm_cell_3/")
        size = sum(4 * int(np.prod(spec["shape"])) for spec in group["weights"][:2])
        data = (FILES / "recurrent" / WEIGHTS).read_bytes()
        parts = {"group1-shard1of1.bin": data[:size], "group2-shard1of2": data[size:-8], "group2-shard2of2": data[-8:]}
        described["weightsManifest"] = [
            {"paths": ["group1-shard1of1.bin"], "weights": group["weights"][:2]},
            {"paths": ["group2-shard1of2", "group2-shard2of2"], "weights": group["weights"][2:]},
        ]
        written.update(parts)

    written: dict[str, bytes] = {}
    folder = changed(as_converted, name="recurrent")
    for name, part in written.items():
        (folder / name).write_bytes(part)
    (folder / WEIGHTS).unlink()
    result = read(folder)
    inputs, outputs = recorded("recurrent")
    np.testing.assert_allclose(answers(result.model, inputs)[0], outputs[0], rtol=0, atol=1e-5)
    assert "written by Keras 2.12.0: " in result.description


@needs_tensorflow_js
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
def test_quantized_weights_equal_tensorflow_js(
    dtype: str, installed: None, changed: Callable[..., Path], read: Callable[..., Any]
) -> None:
    data = np.frombuffer((FILES / "several" / WEIGHTS).read_bytes(), "<f4")
    most = {"uint8": 255, "uint16": 65535}.get(dtype)
    scale, low = (float(np.ptp(data)) / most, float(data.min())) if most else (1.0, 0.0)
    stored = np.round((data - low) / scale).astype(dtype) if most else data.astype(dtype)

    def quantize(described: dict[str, Any]) -> None:
        for spec in described["weightsManifest"][0]["weights"]:
            spec["quantization"] = {"dtype": dtype, "original_dtype": "float32"}
            if most:
                spec["quantization"] |= {"scale": scale, "min": low}

    result = read(changed(quantize, stored.tobytes()))
    inputs, _ = recorded("several")
    old = result.reference({tensor.name: x for tensor, x in zip(result.model.inputs, inputs, strict=True)})
    for got, want in zip(answers(result.model, inputs), old.values(), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


def weight(described: dict[str, Any], at: int = 0) -> dict[str, Any]:
    result: dict[str, Any] = described["weightsManifest"][0]["weights"][at]
    return result


def dense(described: dict[str, Any], name: str = "dense_Dense6") -> dict[str, Any]:
    """Returns the entry of a layer in the model.json."""
    return next(layer for layer in described["modelTopology"]["config"]["layers"] if layer["name"] == name)


def become_lambda(described: dict[str, Any]) -> None:
    dense(described)["class_name"] = "Lambda"


def become_graph(described: dict[str, Any]) -> None:
    described["format"], described["modelTopology"] = "graph-model", {"node": [], "versions": {}}


def paths(*names: str) -> Change:
    return lambda described: described["weightsManifest"][0].update(paths=list(names))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (paths("../../secret"), PermissionDenied, "in the model file's folder. Received: '../../secret'"),
        (paths("/etc/hostname"), PermissionDenied, "Received: '/etc/hostname'"),
        (paths("http://localhost/x"), PermissionDenied, "Received: 'http://localhost/x'"),
        (paths("..\\secret"), PermissionDenied, "in the model file's folder"),
        (paths(".."), PermissionDenied, "in the model file's folder"),
        (paths("a\0"), PermissionDenied, "in the model file's folder"),
        (paths("linked"), PermissionDenied, "Received: linked, a link or a device"),
        (paths("missing.bin"), InvalidArgument, "Weights file not found: missing.bin in "),
        (paths(), InvalidArgument, "Expected 452 bytes of weights in changed. Received: 0"),
        (paths(WEIGHTS, WEIGHTS), InvalidArgument, "Expected 452 bytes of weights in changed. Received: 904"),
        (lambda it: it.pop("weightsManifest"), InvalidArgument, "Expected a weightsManifest of paths and weights"),
        (lambda it: weight(it).pop("shape"), InvalidArgument, "Expected a weight's name, shape and dtype"),
        (lambda it: weight(it).update(dtype="complex64"), InvalidArgument, "Expected a weight's name, shape and dtype"),
        (lambda it: weight(it).update(shape=[2**31 - 1] * 30), InvalidArgument, r"Expected [\d,]+ bytes"),
        (lambda it: weight(it).update(shape=[-6, -4]), InvalidArgument, "Invalid shape of weight"),
        (lambda it: weight(it).update(shape=[4, 6]), InvalidArgument, r"to have shape \[6, 4\]. Received: \[4, 6\]"),
        (lambda it: weight(it).update(name="dense_Dense6/scale"), InvalidArgument, "Received: 0 variables"),
        (lambda it: weight(it, 1).update(name="dense_Dense6/kernel"), InvalidArgument, "Duplicate weight name"),
        (lambda it: weight(it).update(quantization={"dtype": "uint8"}), InvalidArgument, "name, shape and dtype"),
        (
            lambda it: dense(it, "first")["config"].update(units=10**9),
            ResourceExhausted,
            "about 113 weights, as many as the file stores",
        ),
        (become_lambda, PermissionDenied, "layer 'dense_Dense6' of class Lambda"),
        (become_graph, FailedPrecondition, "a graph model, which has no layers"),
    ],
)
def test_malformed_models_are_refused(
    change: Change, error: type[ServingError], message: str, changed: Callable[..., Path], read: Callable[..., Any]
) -> None:
    folder = changed(change)
    (folder / "linked").symlink_to(folder / WEIGHTS)
    (folder.parent / "secret").write_bytes((folder / WEIGHTS).read_bytes())
    with pytest.raises(error, match=message) as caught:
        read(folder)
    assert "\n" not in str(caught.value)


def test_the_error_names_a_missing_weight(changed: Callable[..., Path], read: Callable[..., Any]) -> None:
    data = (FILES / "several" / WEIGHTS).read_bytes()
    folder = changed(lambda it: it["weightsManifest"][0]["weights"].pop(), data[:-12])
    with pytest.raises(InvalidArgument, match="^The manifest has no weight 'second/bias'$"):
        read(folder)
