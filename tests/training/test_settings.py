"""Tests of the checks of training settings that need no Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.models.errors import GalleryError
from keras_gallery.training.settings import TrainConfig, check


def test_the_values_of_the_recipe() -> None:
    config, recipe = check(TrainConfig("denoising_autoencoder", epochs=3))
    assert (config.recipe, config.dataset, config.epochs) == ("mnist_5k", "mnist_5k", 3)
    assert (config.batch_size, config.learning_rate) == (recipe.batch_size, recipe.learning_rate)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"model": "gruu"}, "Did you mean gru"),
        ({"recipe": "co"}, "Unknown recipe of gru: co"),
        ({"dataset": "mnits"}, "Did you mean mnist"),
        ({"epochs": 0}, "Expected epochs to be an integer of at least 1. Received: 0."),
        ({"batch_size": 1.5}, "Expected batch_size to be an integer of at least 1. Received: 1.5."),
        ({"learning_rate": 0}, "Expected learning_rate to be a number"),
        ({"seed": 1 << 32}, "Expected seed to be an integer from 0 to 4294967295"),
        ({"root": __file__}, "Cannot write runs to the folder"),
    ],
)
def test_invalid_settings(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(GalleryError, match=message):
        check(TrainConfig(**{"model": "gru", **setting}))


def test_the_check_creates_no_folder(tmp_path: Path) -> None:
    check(TrainConfig("gru", root=tmp_path / "runs"))
    assert not any(tmp_path.iterdir())


def test_keras_is_not_imported() -> None:
    code = (
        "import sys; from keras_gallery.training.settings import *; check(TrainConfig('gru')); "
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
