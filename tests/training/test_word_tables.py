"""Tests that words of a model start with pre-trained vectors, from a file, a run or gensim."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from keras_gallery.models import BadHyperparameter, create
from keras_gallery.training import load_recipe
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.tokens import Tokens
from keras_gallery.training.errors import BadData, BadRecipe, BadResume
from keras_gallery.training.fitting import build, fit
from keras_gallery.training.recipe_files import read_recipe, recipe_toml
from keras_gallery.training.settings import TrainConfig, check, settings_of
from keras_gallery.training.tasks import TASKS, Task
from keras_gallery.training.train import hyperparameters_of, train
from keras_gallery.training.unfinished import Unfinished
from keras_gallery.training.word_tables import read_vectors

WORDS = ("bad", "film", "good", "the")
VECTORS = {"good": [1, 2, 3], "bad": [-1, -2, -3], "zebra": [9, 9, 9]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in VECTORS.items()))
    return path


def keyed() -> KeyedVectors:
    vectors = KeyedVectors(3)
    vectors.add_vectors(list(VECTORS), np.array(list(VECTORS.values()), np.float32))
    return vectors


def run_of(model: str, folder: Path, tokens: dict[str, Any]) -> Path:
    """Writes a run with the vectors, as a training saves it."""
    words = create(model, tokens=len(VECTORS) + 2, dim=3)
    rows = np.array([[0, 0, 0], [0, 0, 0], *VECTORS.values()], np.float32)
    words.get_layer("embedding").set_weights([rows])
    folder.mkdir()
    contents = {"config": {"model": model, "interrupted": False}, "metrics": {}, "history": {}, "tokens": tokens}
    for part, content in contents.items():
        (folder / f"{part}.json").write_text(json.dumps(content))
    words.save(folder / "model.keras")
    return folder


def task_of(model: str, roles: tuple[str, ...], vectors: Any, **changes: Any) -> Task:
    tokens = Tokens(WORDS, "words")
    x = np.random.default_rng(0).integers(2, tokens.size, (40, 3)).astype(np.int32)
    y = (x == 4).astype(np.int64) if model == "sequence_tagger" else (x == 4).any(axis=1).astype(np.int64)
    y = x if "output" in roles else y
    dataset = Dataset("mine", x, y, x, y, "", ("no", "yes"), {role: tokens for role in roles})
    return TASKS[(recipe := replace(load_recipe(model), vectors=vectors, **changes)).task](recipe, dataset, 0)


def test_a_file_a_run_and_gensim_give_the_same(file: Path, tmp_path: Path) -> None:
    tokens = {"word": {"names": list(VECTORS), "split": "words"}}
    for source in (file, str(file), run_of("word2vec_cbow", tmp_path / "run", tokens), keyed()):
        found = read_vectors(source, WORDS)
        assert (found.ids.tolist(), found.values.tolist()) == ([2, 4], [[-1, -2, -3], [1, 2, 3]])
        assert found.record() == {"name": found.name, "dim": 3, "words": 4, "found": 2}
    assert str(read_vectors(file, WORDS)) == "2 of 4 words have a vector of 3 numbers in vectors.txt"


def test_vectors_that_do_not_fit(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="No word of the data has a vector in vectors.txt. Words must be equal"):
        read_vectors(file, ["Good", "day"])
    with pytest.raises(BadData, match="Expected vectors to be a file, .* Received: ndarray"):
        check(TrainConfig("sequence_to_vector", vectors=np.ones((2, 3))))
    with pytest.raises(BadData, match="No word of the data has a vector in KeyedVectors"):
        read_vectors(KeyedVectors(3), WORDS)
    nan = keyed()
    nan.vectors[0, 1] = np.nan
    with pytest.raises(BadData, match="Expected finite numbers in KeyedVectors. Received: NaN or infinity"):
        read_vectors(nan, WORDS)
    with pytest.raises(BadData, match="Expected a run of word2vec. Received a run of word2vec_cbow"):
        read_vectors(run_of("word2vec_cbow", tmp_path / "run", {}), WORDS)


MODELS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "sequence_to_vector": (("text",), ("token_embedding",), "embedding_dim"),
    "sequence_tagger": (("text",), ("token_embedding",), "embedding_dim"),
    "encoder_decoder": (("text", "output"), ("encoder", "embedding"), "embedding_dim"),
    "word2vec_skipgram": (("word",), ("embedding",), "dim"),
}


@pytest.mark.parametrize(("freeze", "precision"), [(False, "none"), (True, "bfloat16")])
@pytest.mark.parametrize("model", MODELS)
def test_a_new_model_has_the_vectors(model: str, freeze: bool, precision: str, file: Path) -> None:
    roles, layers, length = MODELS[model]
    task = task_of(model, roles, str(file), freeze_vectors=freeze, mixed_precision=precision)
    config = TrainConfig(model, dataset="mine", hyperparameters={} if "word" in model else {"units": 2})
    values = hyperparameters_of(config, task.recipe, task)
    assert values[length] == 3
    with pytest.raises(BadHyperparameter, match=f"Expected {length} to be 3, as in the vectors. Received: 8"):
        hyperparameters_of(replace(config, hyperparameters={length: 8}), task.recipe, task)
    layer: Any = build(model, values, task)
    for name in layers:
        layer = layer.get_layer(name)
    rows = np.array(layer.embeddings)
    np.testing.assert_array_equal(rows[[2, 4]], [VECTORS["bad"], VECTORS["good"]])
    others = rows[[0, 1, 3, 5]]  # padding, unknown words and words without a vector start as usual
    assert 0 < np.abs(others).max() < 0.5 and layer.trainable is not freeze


def test_frozen_vectors_are_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first training trains the vectors further. The second one freezes them, and saves a run."""
    changes = {"xla": False, "learning_rate": 0.1, "epochs": 1}
    task = task_of("sequence_to_vector", ("text",), keyed(), **changes)
    values = {"tokens": 6, "embedding_dim": 3, "units": 2}
    config = TrainConfig("sequence_to_vector", replace(task.recipe, vectors=""), {"units": 2}, root=tmp_path)
    model = build(config.model, values, task)
    fit(model, task, check(config)[0], BestWeights(), verbose=0)
    moved = np.abs(np.array(model.get_layer("token_embedding").embeddings)[[2, 4]] - [VECTORS["bad"], VECTORS["good"]])
    assert moved.min() > 1e-3

    monkeypatch.setattr(import_module("keras_gallery.training.train").data, "load", lambda name: task.dataset)
    lines: list[str] = []
    run = train(replace(config, vectors=keyed(), freeze_vectors=True), lines.append)
    rows = np.array(run.model.get_layer("token_embedding").embeddings)
    np.testing.assert_array_equal(rows[[2, 4]], [VECTORS["bad"], VECTORS["good"]])
    assert run.config["vectors"] == {"name": "KeyedVectors", "dim": 3, "words": 4, "found": 2}
    assert run.config["freeze_vectors"] is True and run.config["hyperparameters"]["embedding_dim"] == 3
    assert "2 of 4 words have a vector of 3 numbers in KeyedVectors; the vectors are frozen" in lines


def test_the_settings_of_vectors(file: Path, tmp_path: Path) -> None:
    """A recipe file can name vectors, and a training is resumed with its own."""
    toml = tmp_path / "mine.toml"
    toml.write_text(f'vectors = "{file}"\nfreeze_vectors = true\n')
    recipe = read_recipe(toml, "sequence_to_vector")
    toml.write_text(recipe_toml("sequence_to_vector", recipe))
    assert read_recipe(toml, "sequence_to_vector") == recipe
    config, checked = check(TrainConfig("sequence_to_vector", toml, root=tmp_path / "runs"))
    assert (config.vectors, checked.vectors, checked.freeze_vectors) == (str(file), str(file), True)
    for model, given, error, message in (
        ("convnet", {"vectors": str(file)}, BadRecipe, "Vectors need the task classify_text or tag or translate or w"),
        ("sequence_to_vector", {"freeze_vectors": True}, BadRecipe, "There are no vectors to freeze"),
        (
            "sequence_to_vector",
            {"vectors": tmp_path / "none.txt"},
            BadData,
            "Expected vectors to be a file, or the folder",
        ),
    ):
        with pytest.raises(error, match=message):
            check(TrainConfig(model, **given))
    with pytest.raises(BadData, match="The dataset mine has no words that could start with vectors"):
        _ = task_of("encoder_decoder", ("output",), str(file)).vectors


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_resumed_training_has_the_same_vectors(in_memory: bool, file: Path, tmp_path: Path) -> None:
    vectors: Any = keyed() if in_memory else str(file)
    config, recipe = check(TrainConfig("sequence_to_vector", "stress", root=tmp_path, vectors=vectors))
    training = Unfinished(tmp_path / "sequence_to_vector", settings_of(config, recipe) | {"of_recipe": {}})
    training.write(lambda opened: opened.write(b"state"))
    training.release()
    resume = TrainConfig("sequence_to_vector", root=tmp_path, resume=True)
    assert check(replace(resume, vectors=vectors))[1].vectors is not None
    if in_memory:
        with pytest.raises(BadResume, match="The training has vectors in memory. To resume it, pass the same vectors"):
            check(resume)
    else:
        assert check(resume)[0].vectors == str(file)
        other = file.with_name("other.txt")
        other.write_bytes(file.read_bytes())
        with pytest.raises(BadResume, match="Expected vectors to be .*vectors.txt. Received: .*other.txt"):
            check(replace(resume, vectors=other))
