"""A user's own images are binarized at random only if they are black and white, or if the user's recipe says so."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.training import load_recipe
from keras_gallery.training.settings import TrainConfig, check
from keras_gallery.training.sources.source import Source
from keras_gallery.training.train import task_of

module: Any = import_module("keras_gallery.training.train")  # `keras_gallery.training.train` is also a function
MODEL = "variational_autoencoder"
GREY = np.random.default_rng(0).random((40, 8, 8, 1), np.float32)
BLACK_AND_WHITE = np.where(GREY > 0.6, 0.97, 0.03).astype(np.float32)


def inputs_of(images: Any, recipe: Any = None) -> tuple[Any, Any]:
    """Returns the training images of a task, and what the task makes of them in a batch."""
    task = task_of(*check(TrainConfig(model=MODEL, source=Source(images), recipe=recipe)))
    return task.training.x, task.pair(task.training.x, task.training.y, np.random.default_rng(0))[0]


def test_grey_images_stay_as_they_are() -> None:
    images, inputs = inputs_of(GREY)
    np.testing.assert_array_equal(inputs, images)


def test_black_and_white_images_are_binarized() -> None:
    images, inputs = inputs_of(BLACK_AND_WHITE)
    assert set(np.unique(inputs)) == {0, 1}
    assert np.mean(inputs != images.round()) == pytest.approx(0.03, abs=0.01)


@pytest.mark.parametrize(("text", "is_binary"), [("epochs = 3", False), ("binarize = true", True)])
def test_a_recipe_file_says_whether_images_are_binarized(text: str, is_binary: bool, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text + "\n")
    _, inputs = inputs_of(GREY, file)
    assert (set(np.unique(inputs)) == {0, 1}) == is_binary


def test_a_recipe_of_the_users_own_says_whether_images_are_binarized() -> None:
    _, inputs = inputs_of(GREY, load_recipe(MODEL))
    assert set(np.unique(inputs)) == {0, 1}
    images, inputs = inputs_of(BLACK_AND_WHITE, dataclasses.replace(load_recipe(MODEL), binarize=False))
    np.testing.assert_array_equal(inputs, images)


def test_the_command_says_that_images_are_not_binarized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_fit", lambda *arguments: False)
    monkeypatch.setattr(module, "evaluate_and_save", lambda config, recipe, *others: recipe)  # the recipe that is saved
    lines: list[str] = []
    recipe: Any = module.train(TrainConfig(model=MODEL, source=Source(GREY), epochs=1, root=tmp_path), lines.append)
    assert lines.count(module.NOT_BINARIZED) == 1
    assert recipe.binarize is False
