"""Tests of the trained models that come with Keras Gallery."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras_gallery.models import list_models
from keras_gallery.models.errors import BadHyperparameter, UnknownModel
from keras_gallery.training import Run, latest_run, load_recipe
from keras_gallery.training.about import about
from keras_gallery.training.errors import UnknownRun
from keras_gallery.training.evaluation import evaluate

import keras_gallery as kg
from keras_gallery import pretrained

MAX_BYTES = 20_000_000
MAX_PICTURE, MAX_PICTURES = 40_000, 1_200_000  # bytes of a picture, and of all pictures
CHECKED = ("mlp_classifier", "convnet", "dense_autoencoder", "gru", "entity_embedding")  # a model of each family
# The figures of a model whose answers are random differ from one evaluation to the next.
RANDOM = ("variational_autoencoder",)


def test_most_models_are_there_and_small() -> None:
    assert set(list_models()) - set(pretrained.names()) == {"sequence_to_vector"}
    files = [file for file in pretrained.FOLDER.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert sum(file.stat().st_size for file in files) < MAX_BYTES


def test_each_has_small_pictures() -> None:
    sizes = {}
    for name in pretrained.names():
        files = list((pretrained.FOLDER / name / "pictures").iterdir())
        assert len(files) in (1, 2) and {each.suffix for each in files} == {".png"}
        assert len(about(latest_run(name, "no-runs"))["pictures"]) == len(files)
        assert len(about(latest_run(name, "no-runs"), pictures=False)["pictures"]) == 0
        sizes |= {each: each.stat().st_size for each in files}
    assert max(sizes.values()) <= MAX_PICTURE and sum(sizes.values()) <= MAX_PICTURES


@pytest.mark.parametrize("name", pretrained.names())
def test_each_is_a_run_of_the_default_recipe(name: str) -> None:
    run, recipe = latest_run(name, "no-runs"), load_recipe(name)
    assert run.is_pretrained and run.config["seed"] == 0 and not run.interrupted
    assert (run.config["dataset"], run.config["epochs_done"]) == (recipe.dataset, recipe.epochs)
    card = json.loads((run.folder / "card.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256((run.folder / "model.keras").read_bytes()).hexdigest()
    assert card["command"] == f"gallery train {name} --seed 0" and len(card["data"]) > 20
    assert run.model.count_params() == run.metrics["parameters"]
    for weight in run.model.weights:
        assert np.isfinite(np.asarray(weight)).all(), weight.path


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in CHECKED else pytest.mark.slow) for n in pretrained.names()]
)
def test_the_figures_are_those_of_the_weights(name: str) -> None:
    run = latest_run(name, "no-runs")
    found = evaluate(run).metrics
    same = {each: value for each, value in run.metrics.items() if each in found and isinstance(value, float)}
    assert same
    for each, value in same.items():
        assert found[each] == pytest.approx(value, rel=0.05 if name in RANDOM else 1e-3), each


def test_weights_of_a_new_model() -> None:
    model, random = kg.create("dense_autoencoder", weights="default"), kg.create("dense_autoencoder")
    digits = kg.load_dataset("mnist_5k").x_test[:100]
    errors = [float(np.mean((each.predict(digits, verbose=0) - digits) ** 2)) for each in (model, random)]
    assert errors[0] < 0.25 * errors[1]
    assert isinstance(model, keras.Model) and model.name == "dense_autoencoder"


def test_wrong_weights() -> None:
    with pytest.raises(BadHyperparameter, match="Expected weights of None or 'default'. Received: 'imagenet'"):
        kg.create("convnet", weights="imagenet")  # type: ignore[arg-type]
    with pytest.raises(BadHyperparameter, match="leave out classes, dropout"):
        kg.create("convnet", weights="default", dropout=0.1, classes=3)
    with pytest.raises(UnknownModel, match="Did you mean convnet"):
        kg.create("convnett", weights="default")
    with pytest.raises(UnknownModel, match="No weights of sequence_to_vector come with Keras Gallery. There are: "):
        kg.create("sequence_to_vector", weights="default")


def test_own_runs_come_first(tmp_path: Path) -> None:
    own = tmp_path / "convnet" / "001"
    own.mkdir(parents=True)
    for name in ("config", "metrics", "history"):
        (own / f"{name}.json").write_text('{"model": "convnet", "interrupted": false}')
    assert latest_run("convnet", tmp_path).folder == own and not Run.load(own).is_pretrained
    with pytest.raises(UnknownRun, match="Train the model first: gallery train sequence_to_vector"):
        latest_run("sequence_to_vector", tmp_path)
