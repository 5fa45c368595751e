"""`gallery export` of a run that says what its classes are called."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keras_gallery import training
from keras_gallery.cli.main import main
from keras_gallery.serving.quiet import quiet_import


@pytest.mark.parametrize(("config", "label"), [({"labels": ["ant", "bee", "žába"]}, "žába"), ({}, "2")])
def test_labels_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], label: str) -> None:
    with quiet_import():
        import numpy as np
        import tensorflow as tf

        from ..serving.task_models import classifier
    model = classifier((4,))
    model.get_layer("probabilities").bias.assign([0, 0, 100])
    monkeypatch.setattr(training, "latest_run", lambda *_: SimpleNamespace(folder="a", config=config, model=model))
    assert main(["export", "denoising_autoencoder", "--as", "c", "--saved-models", str(tmp_path)]) == 0
    classify = tf.saved_model.load(str(tmp_path / "c" / "1")).signatures["classify"]
    assert classify(features=tf.constant(np.zeros((1, 4), np.float32)))["label"].numpy().tolist() == [label.encode()]


def test_names_of_the_runs_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet_import():
        from keras_gallery.serving.saved_model import read_signatures

        from ..serving import text_models
    run = SimpleNamespace(folder=tmp_path / "run", config={}, model=text_models.words())
    run.folder.mkdir()
    (run.folder / "tokens.json").write_text(json.dumps(text_models.TEXTS["words"]))
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    assert main(["export", "word2vec_skipgram", "--as", "w", "--saved-models", str(tmp_path)]) == 0
    assert read_signatures(tmp_path / "w" / "1").keys() == {"serving_default", "embed", "nearest"}


def test_a_label_too_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        from ..serving.task_models import classifier
    run = SimpleNamespace(folder="a", config={"labels": ["ant", "bee"]}, model=classifier((4,)))
    monkeypatch.setattr(training, "latest_run", lambda *_: run)
    assert main(["export", "denoising_autoencoder", "--saved-models", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "gallery: Expected 3 labels, one for each class. Received: 2\n"
    assert not any(tmp_path.iterdir())
