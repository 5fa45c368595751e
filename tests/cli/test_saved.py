"""Tests of `gallery list` and `gallery show` for exported and imported models. No SavedModel is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from keras_gallery.cli.main import main
from keras_gallery.preparation.description import NumberColumn, Pictures, Threshold
from keras_gallery.preparation.notes import write_note
from keras_gallery.serving import description
from keras_gallery.serving.wire import messages


def version(folder: Path, **outputs: int) -> Path:
    """Writes a SavedModel with images as input, and with outputs of these sizes. It has no graph."""
    (folder / "assets.extra").mkdir(parents=True)
    content = messages.SavedModel()
    graph = content.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    signature = graph.signature_def["serving_default"]
    infos = [(signature.inputs["image"], [-1, 8, 8, 1])]
    infos += [(signature.outputs[key], [-1, size]) for key, size in outputs.items()]
    for info, sizes in infos:
        info.dtype = 1
        for size in sizes:
            info.tensor_shape.dim.add().size = size
    signature.inputs["image"].tensor_shape.dim[-1].name = "pixels 0..255"
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an imported model of two versions, an exported model, and models from elsewhere."""
    root = tmp_path / "saved_models"
    version(root / "states" / "9", a=1)
    imported = version(root / "states" / "10", b=2, a_10=3, a_2=4)
    outputs = {"serving_default": {"b": "state h of the layer b (LSTM)", "a_2": ""}}
    labels = [f"label {number}" for number in range(30)]
    description.write(imported, file="lstm\x1b.h5", format="HDF5 file of Keras 2.12", outputs=outputs, labels=labels)
    description.write(version(root / "digits" / "1", a=1), labels=())
    version(root / "other" / "1", a=1)
    (root / "damaged" / "1").mkdir(parents=True)
    (root / "no_version" / ".partial-1").mkdir(parents=True)
    (root / "README.md").write_text("models")
    monkeypatch.chdir(tmp_path)
    return root


def test_list_has_the_models_of_the_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    title, *rows = capsys.readouterr().out.split("\n\n")[-1].splitlines()
    assert title.startswith("Exported and imported models in saved_models")
    found = {row[0]: row[1:] for row in ([cell.strip() for cell in line.split("  ") if cell.strip()] for line in rows)}
    assert found["states"] == ["10, 9", r"imported from lstm\x1b.h5", "serving_default"]
    assert found["digits"] == ["1", "exported", "serving_default"]
    assert found["other"] == ["1", "from elsewhere", "serving_default"]
    assert "cannot be read" in found["damaged"][2] and found.keys() == {"damaged", "digits", "other", "states"}
    assert main(["list", "state*", "--saved-models", str(root)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_show_has_the_signatures_and_labels(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "states"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        r"saved_models/states/10: imported from lstm\x1b.h5",
        "    HDF5 file of Keras 2.12",
        "    other versions: 9",
        "",
        "Signatures",
        "    serving_default",
        "        image  float32 (any, 8, 8, 1), pixel values 0..255",
        "     -> b  float32 (any, 2), state h of the layer b (LSTM)",
        "     -> a_2  float32 (any, 4)",
        "     -> a_10  float32 (any, 3)",
        "",
        "Labels (30)",
        "    " + ", ".join(f"label {number}" for number in range(20)) + " and 10 more",
    ]
    assert main(["show", "damaged"]) == 0 and "cannot be read" in capsys.readouterr().out
    assert main(["show", "state"]) == 2 and "Did you mean states?" in capsys.readouterr().err


def test_show_has_what_the_signatures_say(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = version(root / "parts" / "1", anomaly=1)
    content = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signature = content.meta_graphs[0].signature_def["serving_default"]
    column, threshold = NumberColumn("width", least=2, most=9.5), Threshold(277.8, 0.01, 0.0125, 80)
    signature.inputs["image"].tensor_shape.dim[-1].name = write_note(column)
    signature.outputs["anomaly"].tensor_shape.dim[-1].name = write_note(threshold)
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())
    assert main(["show", "parts"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "        image  float32 (any, 8, 8, 1), a number (2 to 9.5 in training)",
        "     -> anomaly  float32 (any, 1), true for a score above 277.8, chosen for a false-alarm rate of 0.01; "
        "0.0125 of 80 normal test examples were above it",
    ]


def test_show_says_a_sentence_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = version(root / "pictures" / "1", a=1)
    content = messages.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    known = content.meta_graphs[0].signature_def
    for name, height in (("encode_png", 64), ("score_png", 64), ("other_png", 32)):
        info = known[name].inputs["image_bytes"]
        info.dtype = 7
        info.tensor_shape.dim.add().size = -1
        info.tensor_shape.dim[0].name = write_note(Pictures(height, 64, 3))
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())
    assert main(["show", "pictures"]) == 0
    found = [line for line in capsys.readouterr().out.splitlines() if "image_bytes" in line]
    sentence = "string (any,), PNG, JPEG, WebP or BMP files of any size: the middle part is scaled to {}x64 pixels"
    assert found[0].startswith("        image_bytes  " + sentence.format(64))
    assert found[1].startswith("        image_bytes  " + sentence.format(32))
    assert found[2:] == ["        image_bytes  string (any,), as in encode_png"]


@pytest.mark.parametrize("content", ["[", "[]", '{"labels": 3, "outputs": {"a": []}}', "\udcff"])
def test_a_damaged_description_is_empty(content: str, tmp_path: Path) -> None:
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / description.FILE).write_bytes(content.encode(errors="surrogateescape"))
    found: Any = description.read(tmp_path)
    assert (found.file, found.labels, found.in_order("a", ["x_10", "x_9"])) == ("", (), ["x_9", "x_10"])
