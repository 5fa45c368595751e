"""Tests of converting Keras 2 configurations: the list of changes, and errors for features that Keras 3 lacks."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.importer.keras2.repair import repair


def sequential(*layers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the configuration of a Keras 2 model with these layers and 3 input features."""
    configs = [
        {"class_name": name, "config": {"name": f"layer_{at}", "trainable": True, "dtype": "float32", **config}}
        for at, (name, config) in enumerate(layers)
    ]
    configs[0]["config"]["batch_input_shape"] = [None, 3]
    return {"class_name": "Sequential", "config": {"name": "model", "layers": configs}}


def test_equal_changes_of_many_layers_are_one_line() -> None:
    _, changes = repair(sequential(*[("LSTM", {"units": 2, "time_major": False})] * 5))
    assert (
        "5 layers, 'layer_0', 'layer_1', 'layer_2' and so on (LSTM): time_major=False removed, because "
        + ("Keras 3 has no such option")
        in changes
    )


def test_random_layers_that_compute_something_else_at_inference() -> None:
    options = {"factor": 0.2, "interpolation": "bilinear", "seed": 1}
    crop = ("RandomCrop", {"height": 2, "width": 3, "seed": 1})
    repaired, changes = repair(sequential(crop, ("RandomHeight", options)))
    common = {"trainable": True, "dtype": "float32"}
    assert [(each["class_name"], each["config"]) for each in repaired["config"]["layers"][-2:]] == [
        ("Resizing", {"name": "layer_0", "height": 2, "width": 3, "crop_to_aspect_ratio": True, **common}),
        ("Identity", {"name": "layer_1", **common}),
    ]
    assert any("(RandomCrop): replaced by Resizing, which computes the same at inference" in each for each in changes)


@pytest.mark.parametrize(
    ("layer", "config", "what"),
    [
        ("BatchNormalization", {"renorm": True}, "with renorm=True, which Keras 3 does not have"),
        ("CuDNNLSTM", {"units": 2}, "which stores its weights in the order of a GPU library"),
        ("LocallyConnected1D", {"filters": 2}, "which Keras 3 removed"),
        ("LSTM", {"units": 2, "activation": "hard_sigmoid"}, "with activation hard_sigmoid, which is another function"),
        ("TimeDistributed", {"layer": {"class_name": "LSTM", "config": {"time_major": True}}}, "with time_major=True"),
    ],
)
def test_layers_without_an_equivalent(layer: str, config: dict[str, Any], what: str) -> None:
    with pytest.raises(FailedPrecondition, match=rf"No equivalent in Keras 3: layer 'layer_1' \({layer}\), {what}"):
        repair(sequential(("Dense", {"units": 2}), (layer, config)))
