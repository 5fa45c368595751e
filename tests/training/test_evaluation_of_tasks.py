"""Tests that the runs of all tasks can be evaluated: on their test examples, on other data, and on unsuitable data."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from keras_gallery.cli.main import main
from keras_gallery.models.errors import GalleryError
from keras_gallery.training import load
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.series import Series
from keras_gallery.training.tasks import TASKS, Task

import keras_gallery as kg

pytestmark = pytest.mark.models
RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.random((40, 16, 16), np.float32), RNG.random((40, 16, 16, 3), np.float32)
OBJECTS = np.tile([[1, 0.1, 0.2, 0.6, 0.7], [0, 0.3, 0.3, 0.9, 0.9]], (40, 1, 1))
SENTENCES = ["the cat sees the dog", "a dog sees a cat", "the bird sees a dog"] * 20
TABLE = pd.DataFrame({"width": np.arange(40.0), "kind": ["a", "b"] * 20, "size": np.arange(40.0) % 7})
SERIES = pd.DataFrame({"month": pd.date_range("2000-01", periods=60, freq="MS"), "value": np.sin(np.arange(60))})

# For each task: a model, its hyperparameters, own data, the options of the data, a dataset of the gallery, and a metric
# that `gallery evaluate` prints in words.
CASES: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any], str, str]] = {
    "reconstruct": ("linear_autoencoder", {"code_dim": 2}, GREY, {}, "digits", "mse"),
    "denoise": ("denoising_autoencoder", {"network": "dense", "code_dim": 2}, GREY, {}, "digits", "mse"),
    "colorize": ("colorization_autoencoder", {"filters": (2,)}, COLOUR, {}, "photographs", "mse"),
    "generate": ("variational_autoencoder", {"hidden": (4,), "code_dim": 2}, GREY, {}, "digits", "mse"),
    "classify": ("mlp_classifier", {"hidden": (4,)}, TABLE, {"target": "kind"}, "digits", "accuracy"),
    "classify_text": (
        "sequence_to_vector",
        {"units": 2},
        pd.DataFrame({"text": SENTENCES, "label": ["x", "y"] * 30}),
        {},
        "stress",
        "accuracy",
    ),
    "regress": ("mlp_regressor", {"hidden": (4,)}, TABLE, {"target": "size", "ignore": "kind"}, "diabetes", "rmse"),
    "regress_entities": (
        "entity_embedding",
        {"hidden": (4,)},
        TABLE[["kind", "size"]].assign(day=TABLE.index % 3),
        {"target": "size"},
        "el_nino",
        "rmse",
    ),
    "segment": (
        "segmenter",
        {"filters": (2, 2)},
        {"x": GREY, "y": (GREY * 3).astype(int)},
        {},
        "digit_masks",
        "mean_iou",
    ),
    "detect": ("detector", {"filters": (2, 2, 2)}, {"x": GREY, "y": OBJECTS}, {}, "digit_boxes", "map50"),
    "forecast": (
        "sequence_to_sequence",
        {"units": 2},
        SERIES,
        {"time": "month", "value": "value", "horizon": 2, "history": 4},
        "sunspots",
        "mae",
    ),
    "tag": (
        "sequence_tagger",
        {"units": 2},
        pd.DataFrame({"text": SENTENCES, "label": ["d n v d n"] * 60}),
        {},
        "letter_phonemes",
        "tag_accuracy",
    ),
    "translate": (
        "encoder_decoder",
        {"units": 2},
        pd.DataFrame({"text": [f"{each}+1" for each in range(30)], "label": [str(each + 1) for each in range(30)]}),
        {},
        "addition",
        "token_error",
    ),
    "caption": (
        "vector_to_sequence",
        {"filters": (2,), "units": 2},
        {"x": GREY, "y": np.array(["one two", "two"] * 20)},
        {},
        "digit_names",
        "token_error",
    ),
    "word_vectors": ("word2vec_cbow", {}, SENTENCES, {}, "wikipedia", "pair_loss"),
}


def untrained(model: Any, task: Task, config: Any, best: BestWeights, *_: Any) -> None:
    """In place of `fit`: the metrics of an untrained model are as good for these tests, and take no time."""
    best.weights, best.epoch, best.history = model.get_weights(), 1, {"loss": [1.0], "val_loss": [1.0]}


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("keras_gallery.training.train"), "fit", untrained)
    for task in TASKS.values():
        monkeypatch.setattr(task, "draw", lambda *_: None)


def written(data: Any, path: Path) -> Path:
    """Writes data in the format that the data have on a user's disk."""
    if isinstance(data, pd.DataFrame):
        data.to_csv(path := path.with_suffix(".csv"), index=False)
    elif isinstance(data, dict):
        np.savez(path := path.with_suffix(".npz"), **data)
    elif isinstance(data, list):
        (path := path.with_suffix(".txt")).write_text("\n".join(data), "utf-8")
    else:
        np.save(path := path.with_suffix(".npy"), data)
    return path


def few(data: Any) -> Any:
    """Returns other data of the same form: the first examples."""
    return {name: each[:20] for name, each in data.items()} if isinstance(data, dict) else data[:20]


def of_dataset(dataset: Dataset, task: str) -> Any:
    """Returns a few test examples of a dataset in the form in which a user has them."""
    x, y = dataset.x_test[:20], dataset.y_test[:20]
    words, labels = dataset.texts, np.array(dataset.labels, object)
    forms: dict[str, Callable[[], Any]] = {
        "classify": lambda: {"x": x, "y": y},
        "classify_text": lambda: pd.DataFrame({"text": words["text"].texts(x), "label": labels[y]}),
        "tag": lambda: pd.DataFrame(
            {"text": words["text"].texts(x), "label": [" ".join(labels[row[row >= 0]]) for row in y]}
        ),
        "translate": lambda: pd.DataFrame({"text": words["text"].texts(x), "label": words["output"].texts(y)}),
        "regress": lambda: {"x": x, "y": y},
        "regress_entities": lambda: pd.DataFrame(
            {
                **{name: tokens.texts(x[:, [at]]) for at, (name, tokens) in enumerate(words.items())},
                **dict(zip(dataset.labels or ("target",), y.T, strict=True)),
            }
        ),
        "segment": lambda: {"x": x, "y": y},
        "detect": lambda: {"x": x, "y": np.where(y[..., :1] < 0, np.float32([-1, 0, 0, 0, 0]), y)},
        "caption": lambda: {"x": x, "y": np.array(words["output"].texts(y))},
        "word_vectors": lambda: words["word"].texts(x),
        "forecast": lambda: dataset.values if isinstance(dataset, Series) else None,
    }
    return forms.get(task, lambda: x)()


def test_each_task_has_a_case() -> None:
    assert set(CASES) == set(TASKS)


@pytest.mark.parametrize("task", CASES)
def test_a_run_on_own_data(task: str, tmp_path: Path) -> None:
    name, hyperparameters, data, options, _, metric = CASES[task]
    path = written(data, tmp_path / "data")
    run = kg.train(name, data=path, runs=tmp_path / "runs", epochs=1, **options, **hyperparameters)
    again = kg.evaluate(run)
    assert again.metrics[metric] == pytest.approx(run.metrics[metric], rel=1e-6)
    check(kg.evaluate(run, written(few(data), tmp_path / "other")), metric)
    refused(run, tmp_path)


@pytest.mark.parametrize("task", list(CASES)[:8])
def test_a_run_on_data_of_the_gallery(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, hyperparameters, _, _, dataset, metric = CASES[task]
    whole = load(dataset)
    if not isinstance(whole, Series):
        parts = {part: getattr(whole, part)[:100] for part in ("x_train", "y_train", "x_test", "y_test")}
        whole = dataclasses.replace(whole, **parts, validation=None)
    for module in ("train", "evaluation"):
        monkeypatch.setattr(import_module(f"keras_gallery.training.{module}").data, "load", lambda name: whole)
    run = kg.train(name, dataset=dataset, runs=tmp_path / "runs", epochs=1, **hyperparameters)
    assert kg.evaluate(run).metrics[metric] == pytest.approx(run.metrics[metric], rel=1e-6)
    check(kg.evaluate(run, written(of_dataset(whole, task), tmp_path / "other")), metric)
    refused(run, tmp_path)


def test_beam_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, hyperparameters, data, *_ = CASES["caption"]
    run = kg.train(name, data=written(data, tmp_path / "data"), runs=tmp_path / "runs", epochs=1, **hyperparameters)
    metrics = kg.evaluate(run, beam=1).metrics
    for error in ("token_error", "text_error"):
        assert metrics[f"beam_{error}"] == metrics[error] == kg.evaluate(run).metrics[error]
    assert main(["evaluate", str(run.folder), "--beam", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [each.partition("  ")[0] for each in lines[-2:]] == [
        "wrong tokens, with beam search",
        "texts with an error, with beam search",
    ]
    for beam in (0, 17):
        with pytest.raises(GalleryError, match=f"^Expected a beam from 1 to 16. Received: {beam}.$"):
            kg.evaluate(run, beam=beam)


def check(evaluation: Any, metric: str) -> None:
    assert evaluation.examples > 0 and all(map(np.isfinite, evaluation.metrics.values()))
    assert metric in evaluation.metrics and metric not in evaluation.others() and evaluation.lines()


def refused(run: Any, folder: Path) -> None:
    """Data in other forms are refused in one line."""
    others = {"table": pd.DataFrame({"no": ["a", "b"], "yes": ["c", "d"]}), "image": np.zeros((3, 5, 7, 2))}
    paths = [written(data, folder / name) for name, data in others.items()]
    (folder / "empty").mkdir()
    (folder / "damaged.npz").write_text("PK")
    for path in [*paths, folder / "empty", folder / "damaged.npz", folder / "nothing.csv", folder / "runs"]:
        with pytest.raises(GalleryError) as caught:
            kg.evaluate(run, path)
        assert "\n" not in str(caught.value)
    shutil.rmtree(folder / "empty")
