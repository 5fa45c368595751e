"""Tests of the search for better settings."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.models import describe
from keras_gallery.training import Recipe, load, load_recipe, tuning
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.errors import BadData, BadFolder, BadSpace, Diverged
from keras_gallery.training.recipe_files import find_recipe
from keras_gallery.training.search_space import search_space
from keras_gallery.training.settings import TrainConfig, check
from keras_gallery.training.sources.source import source_of
from keras_gallery.training.studies import STORAGE, Study
from keras_gallery.training.tuning import tune, without_tests

pytest.importorskip("optuna")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """Replaces the trainings with a formula, and returns the list of the recipes that were tried."""
    recipes: list[Recipe] = []

    def fit(self: Any, recipe: Recipe, best: BestWeights, report: Any) -> None:
        assert not len(self.dataset.x_test) and not len(self.dataset.y_test)
        recipes.append(recipe)
        if len(recipes) == 3:
            raise Diverged("The loss became nan in epoch 1.")
        best.history["val_loss"] = [9.0, abs(math.log(recipe.learning_rate / 1e-3))]

    monkeypatch.setattr(tuning._Search, "_fit", fit)
    return recipes


def config(root: Path, **changes: Any) -> TrainConfig:
    return TrainConfig("mlp_classifier", dataset="digits", epochs=2, root=root, **changes)


def test_a_killed_tuning_goes_on_with_the_same_trials(tmp_path: Path, tried: list[Recipe]) -> None:
    steps: list[str] = []
    whole = tune(config(tmp_path / "whole"), 6, output=tmp_path / "whole.toml", progress=steps.append)
    expected = list(tried)
    assert expected[0].learning_rate == load_recipe("mlp_classifier").learning_rate
    assert expected[0].hyperparameters["hidden"] == (256, 128) and expected[0].dataset == "digits"
    assert len({recipe.learning_rate for recipe in expected}) == 6
    assert any(step.startswith("Trial 3 of 6 failed: The loss became nan") for step in steps)
    tried.clear()

    class Kill(Exception):
        pass

    def killed(step: str) -> None:
        if step.startswith("Trial 4 of 6: learning_rate"):
            raise Kill

    with pytest.raises(Kill):
        tune(config(tmp_path), 6, output=tmp_path / "parts.toml", progress=killed)
    steps.clear()
    parts = tune(config(tmp_path), 6, output=tmp_path / "parts.toml", progress=steps.append)
    assert "Going on after 3 of 6 trials" in steps
    assert tried == expected
    assert (parts.recipe, parts.loss, parts.trials) == (whole.recipe, whole.loss, 6)
    best = min(
        (recipe for recipe in expected[:2] + expected[3:]), key=lambda each: abs(math.log(each.learning_rate / 1e-3))
    )
    assert parts.recipe == dataclasses.replace(best, targets=()) == find_recipe("mlp_classifier", parts.file)
    assert parts.first_loss is not None and parts.loss <= parts.first_loss
    assert not (tmp_path / "mlp_classifier" / "001").exists()


def test_settings_that_are_given_are_not_tried(tmp_path: Path, tried: list[Recipe]) -> None:
    space = tmp_path / "space.toml"
    space.write_text("activation = 'tanh'\nclipnorm = 1.0\n[hidden]\nchoices = [[8], [9, 4]]\n")
    given = config(tmp_path, learning_rate=0.5, hyperparameters={"hidden": (5,)})
    tuned = tune(given, 2, space, tmp_path / "x.toml")
    assert {(recipe.learning_rate, recipe.clipnorm) for recipe in tried} == {(0.5, 1.0)}
    assert all(recipe.hyperparameters["hidden"] == (5,) for recipe in tried)
    assert tuned.recipe.hyperparameters["activation"] == "tanh"
    (tmp_path / "mine.toml").write_text("epochs = 3\n")
    with pytest.raises(BadFolder, match="mine.toml exists, and is not from gallery tune."):
        tune(given, 2, space, tmp_path / "mine.toml")
    tried.clear()
    tried += [load_recipe("mlp_classifier")] * 2
    with pytest.raises(BadSpace, match="No trial of 1 was successful. The first error: The loss became nan"):
        tune(config(tmp_path, seed=4), 1, output=tmp_path / "y.toml")


def test_one_trial_trains_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task's metrics are on test examples. So they must not be computed."""
    monkeypatch.setattr("keras_gallery.training.tasks.classification.Classification.evaluate", None)
    recipe = dataclasses.replace(load_recipe("mlp_classifier"), xla=False)
    few = without_tests(load("digits"))
    few = dataclasses.replace(few, x_train=few.x_train[:100], y_train=few.y_train[:100])
    monkeypatch.setattr(tuning, "load_data", lambda *_: few)
    tuned = tune(
        config(tmp_path, recipe=recipe, hyperparameters={"hidden": (4,)}), 1, output=tmp_path / "x.toml", prune=True
    )
    assert 0 < tuned.loss == tuned.first_loss


def test_the_recipe_for_own_data_names_no_dataset(tmp_path: Path, tried: list[Recipe]) -> None:
    data = (np.arange(60.0, dtype=np.float32).reshape(30, 2), ["a", "b"] * 15)
    own = dataclasses.replace(config(tmp_path), dataset=None, source=source_of(data, {}))
    tuned = tune(own, 1, output=tmp_path / "x.toml")
    text = tuned.file.read_text("utf-8")
    assert 'dataset = "own data"' in text and "mnist" not in text and "digits" not in text
    again = dataclasses.replace(own, recipe=str(tuned.file), root=tmp_path / "again")
    assert check(again)[0].dataset == "own data"
    message = r"The recipe .*x.toml is for data of your own. Name them with --data, or use --dataset."
    with pytest.raises(BadData, match=message):
        check(dataclasses.replace(again, source=None))
    assert check(dataclasses.replace(again, source=None, dataset="digits"))[0].dataset == "digits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hiden = [3]", "Unknown setting: hiden. Did you mean hidden?"),
        ("epochs = 3", "Unknown setting: epochs"),
        ("classes = 3", "Unknown setting: classes"),
        ("batch_size = 0", "Expected batch_size to be an integer of at least 1"),
        ("[learning_rate]\nlow = 1", "Expected learning_rate in .* to have choices, or low and high"),
        ("[learning_rate]\nlow = 2\nhigh = 1", "Expected learning_rate in .* with low < high"),
        ("[clipnorm]\nlow = 0\nhigh = 1\nlog = true", "above 0 with log = true"),
        ("[hidden]\nlow = 1\nhigh = 2", "Expected hidden to be one or more integers from 1 to 65536"),
        ("[batch_size]\nchoices = [0]", "Expected batch_size to be an integer of at least 1. Received: 0"),
        ("learning_rate = 0.1\nbatch_size = 3\nhidden = [3]\nactivation = 'relu'", "Tuning needs at least one range."),
        ("[x", "Cannot read the search space"),
        ("x = " + "[" * 5_000, "Cannot read the search space"),
    ],
)
def test_wrong_search_spaces(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        spaces("mlp_classifier", file)
    assert "\n" not in str(caught.value)


def spaces(model: str, file: Path | None = None) -> dict[str, Any]:
    of_data = ("classes", "input_shape", "image_shape", "tokens")
    settings = {each.name: each for each in describe(model).hyperparameters if each.name not in of_data}
    values = {name: each.default for name, each in settings.items()}
    return search_space(settings, values, load_recipe(model), file=file)[0]


def test_default_search_space() -> None:
    """Settings that change the validation loss itself, such as the noise, are not tried."""
    space = spaces("denoising_autoencoder")
    assert set(space) == {"learning_rate", "batch_size", "filters", "code_dim"}
    assert (space["code_dim"].low, space["code_dim"].high, space["code_dim"].log) == (16, 64, True)
    assert space["filters"].choices == ((16, 32), (8, 16), (32, 64))
    assert "dropout" in spaces("sequence_to_vector") and "cell" in spaces("sequence_to_vector")


def test_folders_with_special_characters_and_damaged_trials(tmp_path: Path) -> None:
    home = tmp_path / "a?{b}%41"
    home.mkdir()
    study = Study(home, {}, 0, prune=False)
    study.complete(study.start({}), 1.0)
    assert (home / STORAGE).is_file()
    (tmp_path / STORAGE).write_bytes(b"damaged" * 100)
    with pytest.raises(BadFolder, match=r"Cannot open the trials in .*: .*file is not a database"):
        Study(tmp_path, {}, 0, prune=False)
