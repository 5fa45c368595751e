"""Tests that the options of `gallery train` are keywords of `kg.train`, with the same effect."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.cli.main import main
from keras_gallery.cli.train import SETTINGS
from keras_gallery.cli.train_options import NAMES
from keras_gallery.training import settings
from keras_gallery.training.settings import TrainConfig

import keras_gallery as kg
from keras_gallery import api

OPTIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["--recipe", "mnist"], {"recipe": "mnist"}),
    (["--dataset", "digits"], {"dataset": "digits"}),
    (["--epochs", "3"], {"epochs": 3}),
    (["--batch-size", "8"], {"batch_size": 8}),
    (["--learning-rate", "0.1"], {"learning_rate": 0.1}),
    (["--seed", "4"], {"seed": 4}),
    (["--false-alarms", "0.05"], {"false_alarms": 0.05}),
    (["--schedule", "constant"], {"schedule": "constant"}),
    (["--patience", "5"], {"patience": 5}),
    (["--augment", "flip"], {"augment": "flip"}),
    (["--augment", "flip,shift"], {"augment": ["flip", "shift"]}),
    (["--class-weights", "balanced"], {"class_weights": "balanced"}),
    (["--mixed-precision", "bfloat16"], {"mixed_precision": "bfloat16"}),
    (["--vectors", "glove.txt"], {"vectors": "glove.txt"}),
    (["--freeze-vectors"], {"freeze_vectors": True}),
    (["--resume"], {"resume": True}),
    (["--tensorboard", "logs"], {"tensorboard": "logs"}),
    (["--csv-log", "log.csv"], {"csv_log": "log.csv"}),
    (["--data", "wine.csv", "--target", "class"], {"data": "wine.csv", "target": "class"}),
]


class Stop(BaseException):
    """Ends a command before the training."""


def test_each_option_has_a_case() -> None:
    assert {name for _, keywords in OPTIONS for name in keywords} == {*SETTINGS, *NAMES, "data", "target"}


@pytest.mark.parametrize(("arguments", "keywords"), OPTIONS, ids=[" ".join(each) for each, _ in OPTIONS])
def test_the_command_and_python_train_with_the_same_settings(
    arguments: list[str], keywords: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[TrainConfig] = []

    def stop() -> None:
        raise Stop

    monkeypatch.setattr(settings, "check", configs.append)
    monkeypatch.setattr(api, "loading", stop)
    with pytest.raises(Stop):
        main(["train", "mlp_classifier", *arguments])
    with pytest.raises(Stop):
        kg.train("mlp_classifier", **keywords)
    assert configs[-2] == configs[-1] != TrainConfig("mlp_classifier")
