"""Tests of `gallery export`: labels and tokens of a run, exports to other runtimes, and errors."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keras_gallery.cli import export as module
from keras_gallery.cli.main import main
from keras_gallery.serving.quiet import quiet_import

from keras_gallery import training


def run_of(folder: Path, model: Any, **config: Any) -> SimpleNamespace:
    """Returns a run of a classifier, without metrics and pictures, and with an example input."""
    config = {"model": "mlp_classifier", "task": "classify", "dataset": "own", **config}
    known = {"metrics": {}, "preparation": None, "inputs": {"text": ["a film"]}, "is_pretrained": False}
    return SimpleNamespace(folder=folder, config=config, model=model, **known)


@pytest.mark.parametrize(("config", "label"), [({"labels": ["ant", "bee", "žába"]}, "žába"), ({}, "2")])
def test_labels_of_the_run_are_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], label: str
) -> None:
    with quiet_import():
        import numpy as np
        import tensorflow as tf

        from ..serving.task_models import classifier
    model = classifier((4,))
    model.get_layer("probabilities").bias.assign([0, 0, 100])
    monkeypatch.setattr(training, "latest_run", lambda *_: run_of(tmp_path / "run", model, **config))
    assert main(["export", "denoising_autoencoder", "--as", "c", "--saved-models", str(tmp_path)]) == 0
    classify = tf.saved_model.load(str(tmp_path / "c" / "1")).signatures["classify"]
    assert classify(features=tf.constant(np.zeros((1, 4), np.float32)))["label"].numpy().tolist() == [label.encode()]


@pytest.mark.parametrize(("options", "count"), [([], 1), (["--no-pictures"], 0)], ids=["default", "--no-pictures"])
def test_the_pictures_of_the_run_are_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], count: int
) -> None:
    with quiet_import():
        from ..serving.task_models import classifier
    (tmp_path / "run" / "pictures").mkdir(parents=True)
    (tmp_path / "run" / "pictures" / "confusion.png").write_bytes(b"a picture")
    monkeypatch.setattr(training, "latest_run", lambda *_: run_of(tmp_path / "run", classifier((4,))))
    assert main(["export", "mlp_classifier", "--saved-models", str(tmp_path), *options]) == 0
    card = json.loads((tmp_path / "mlp_classifier" / "1" / "assets.extra" / "card.json").read_text("utf-8"))
    assert len(card["pictures"]) == len(card["inputs"]) == count
    assert card["data"] == "own" and len(card["layers"]) > 1


def test_no_model_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self) -> None:
            self.itself = self

    alive: list[Any] = []
    before: list[list[Any]] = []

    def export(values: Any, name: str) -> None:
        before.append([each() for each in alive])
        alive.append(weakref.ref(Model()))

    monkeypatch.setattr(module, "_export", export)
    gc.disable()  # it would free the models sooner or later
    try:
        assert main(["export", "gru", "lstm", "convnet"]) == 0
    finally:
        gc.enable()
    assert before == [[], [None], [None, None]]


def test_tokens_of_the_run_are_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet_import():
        from keras_gallery.serving.saved_model import read_signatures

        from ..serving import text_models
    run = run_of(tmp_path / "run", text_models.words())
    run.folder.mkdir()
    (run.folder / "tokens.json").write_text(json.dumps(text_models.TEXTS["words"]))
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    assert main(["export", "word2vec_skipgram", "--as", "w", "--saved-models", str(tmp_path)]) == 0
    assert read_signatures(tmp_path / "w" / "1").keys() == {"serving_default", "embed", "nearest", "analogy"}


@pytest.mark.models
@pytest.mark.parametrize(
    "content", ["", "[]", '{"word": 1}', '{"word": {}}', '{"word": {"names": "abc", "split": "words"}}', "\xff"]
)
def test_damaged_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokens.json").write_text(content, "latin-1")
    run = SimpleNamespace(folder=tmp_path, config={"model": "gru"}, model=None, is_pretrained=False)
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    for command in (["export", "gru"], ["export", "gru", "--to", "onnx"]):
        assert main([*command, "--saved-models", str(tmp_path / "new")]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"gallery: The file {tmp_path / 'tokens.json'} of the run is damaged: "), error


def test_missing_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        from ..serving.task_models import classifier
    run = run_of(tmp_path / "run", classifier((4,)), labels=["ant", "bee"])
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    assert main(["export", "denoising_autoencoder", "--saved-models", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "gallery: Expected 3 labels, one for each class. Received: 2\n"
    assert not any(tmp_path.iterdir())


def test_export_to_another_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with quiet_import():
        import numpy as np
        import onnxruntime

        from ..serving.task_models import classifier
    run = SimpleNamespace(
        folder="runs/c/001", config={"labels": ["ant", "bee", "žába"]}, model=classifier((4,)), is_pretrained=False
    )
    run.model.get_layer("probabilities").bias.assign([0, 0, 100])
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    monkeypatch.chdir(tmp_path)
    command = ["export", "mlp_classifier", "--to", "onnx", "--signature", "classify"]
    assert main([*command, "--as", "c"]) == 0
    printed = capsys.readouterr().out
    runtime = f"ONNX Runtime {onnxruntime.__version__}"
    assert printed.startswith(f"Exported runs/c/001 to c.onnx: its answers in {runtime} equal those of Keras within ")
    assert printed.endswith(" (classify: features -> probabilities, label, score)\n")
    session = onnxruntime.InferenceSession("c.onnx", providers=["CPUExecutionProvider"])
    assert session.run(["label"], {"features": np.zeros((1, 4), np.float32)})[0].tolist() == ["žába"]
    assert main([*command, "--output", "c.onnx"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "gallery: c.onnx already exists: choose another path for the export"


def test_notes_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        from keras_gallery.serving.targets import convert as targets
    result = targets.Written(tmp_path / "t.keras", ["a: one", "b: two"], "Keras 9", 2.4e-7, ["image"], ["code"])
    calls = []
    monkeypatch.setattr(targets, "export_to", lambda *each: calls.append(each) or result)
    run = SimpleNamespace(folder=tmp_path, config={}, model="model", is_pretrained=False)
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    assert main(["export", "tied_autoencoder", "--to", "keras"]) == 0
    assert calls == [("keras", "model", "tied_autoencoder.keras", "serving_default", None, None)]
    assert capsys.readouterr().out == (
        f"Exported {tmp_path} to {tmp_path}/t.keras: its answers in Keras 9 equal those of Keras within 2.4e-07 "
        "(serving_default: image -> code)\n    a: one\n    b: two\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "onnx", "--version", "3"], "--version cannot be combined with --to: a file for onnx has no version"),
        (["--signature", "encode"], "--signature requires --to, such as --to onnx"),
        (["--output", "m.onnx"], "--output requires --to, such as --to onnx"),
    ],
)
def test_options_that_cannot_be_combined(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "gru", *options]) == 2
    assert capsys.readouterr().err == f"gallery: {message}\n"


def test_choices_of_the_option_to(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        from keras_gallery.cli import export
        from keras_gallery.serving.targets.convert import TARGETS
    assert export.TARGETS == tuple(TARGETS)
    assert main(["export", "gru", "--to", "coreml"]) == 2
    assert "invalid choice: 'coreml'" in capsys.readouterr().err
