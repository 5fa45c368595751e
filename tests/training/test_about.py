"""Tests of what a card says about a run."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from keras_gallery.models import describe
from keras_gallery.training import about as module
from keras_gallery.training.about import about
from keras_gallery.training.runs import Run

METRICS = {"accuracy": 0.975, "majority_accuracy": 0.1, "seconds": 3.0}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "pictures").mkdir()
    for name in ("own_picture", "confusion"):
        (tmp_path / "pictures" / f"{name}.png").write_bytes(f"{name} as PNG".encode())
    return Run(tmp_path, {"model": "convnet", "task": "classify", "dataset": "mnist_5k"}, METRICS, {})


def test_the_architecture_and_the_figures(run: Run) -> None:
    found, info = about(run), describe("convnet")
    assert (found["summary"], found["formula"], found["source"]) == (info.summary, info.formula, info.source)
    assert found["data"] == "mnist_5k"
    figures = [{**each, "yardsticks": [tuple(pair) for pair in each["yardsticks"]]} for each in found["figures"]]
    assert figures == [
        {
            "words": "correct classes (accuracy)",
            "value": "97.5%",
            "yardsticks": [("always the most frequent class", "10.0%")],
        }
    ]


def test_pictures_have_their_captions(run: Run) -> None:
    pictures = {each["title"]: base64.b64decode(each["png"]) for each in about(run)["pictures"]}
    assert pictures == {"Confusion matrix": b"confusion as PNG", "own picture": b"own_picture as PNG"}
    assert about(run, pictures=False)["pictures"] == []


def test_the_pictures_fit_into_a_card(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", len(b"confusion as PNG") + 3)
    assert [each["title"] for each in about(run)["pictures"]] == ["Confusion matrix"]


def test_examples_of_the_inputs(run: Run) -> None:
    assert about(run)["inputs"] == {}
    (run.folder / "inputs.json").write_text('{"text": ["a film"]}')
    assert about(run)["inputs"] == {"text": ["a film"]}
    assert about(run, pictures=False)["inputs"] == {}
