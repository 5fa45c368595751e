"""Tests of `gallery import`: weights for a model of the gallery, and errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.cli.main import main
from keras_gallery.serving.quiet import quiet_import


def test_weights_for_a_model_of_the_gallery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_import():
        from keras_gallery.models import create
    create("thin_network").save_weights(tmp_path / "thin.weights.h5")
    root = tmp_path / "saved_models"
    command = ["import", str(tmp_path / "thin.weights.h5"), "--like", "thin_network", "--saved-models", str(root)]
    assert main(command) == 0
    folder = root / "thin" / "1"
    printed = capsys.readouterr().out
    assert f"Imported {tmp_path / 'thin.weights.h5'} to {folder}; go on with: gallery serve thin" in printed
    assert "    regress " in printed and "features -> prediction" in printed
    assert (folder / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.h5"], "gallery: No such file or folder: none.h5\n"),
        (["labels.txt"], "Expected a model of Keras, TensorFlow, TensorFlow.js or ONNX. Received: "),
        (["labels.txt", "--labels", "none.txt"], "Expected a text file with one label per line. Received: none.txt"),
        (
            ["labels.txt", "--pixels", "-1..1"],
            "Expected a model of Keras, TensorFlow, TensorFlow.js or ONNX. Received: ",
        ),
        (["labels.txt", "--name", "a/b"], "Expected a model name without '/'"),
        (
            ["labels.txt", "--save", "model.h5"],
            "a new file that ends in .keras. Received: model.h5",
        ),
    ],
)
def test_errors(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labels.txt").write_text("cat\ndog\n")
    assert main(["import", *arguments]) == 2
    *progress, error = capsys.readouterr().err.splitlines(keepends=True)
    assert message in error and all(line.endswith(" ...\n") for line in progress)
    assert sorted(path.name for path in tmp_path.rglob("*")) in (["labels.txt"], ["labels.txt", "saved_models"])
