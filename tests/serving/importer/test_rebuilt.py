"""Tests of the comparison between a rebuilt model and the file's own runtime."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.importer import rebuilt
from keras_gallery.serving.importer.keras2.repair import repair

BOUNDARIES = [0.2, 0.5, 0.8]


def bins(inputs: Any) -> dict[str, Any]:
    return {"bins": np.digitize(inputs["x"], BOUNDARIES)}


def model(layer: Any) -> keras.Model:
    x = keras.Input((6,), name="x")
    return keras.Model(x, layer(x))


def test_the_rebuilt_model_runs_as_a_graph() -> None:
    """In a graph, Keras casts the input of a preprocessing layer to the layer's type. Without a graph, it does not."""
    right = model(keras.layers.Discretization(BOUNDARIES, name="bins"))
    assert rebuilt.difference(right, right, bins) == 0
    wrong = model(keras.layers.Discretization(BOUNDARIES, name="bins", dtype="int64"))
    with pytest.raises(FailedPrecondition, match="output bins is different in"):
        rebuilt.difference(wrong, wrong, bins)


def test_the_type_that_keras_2_saves_for_discretization_is_not_that_of_the_input() -> None:
    config = {"name": "bins", "bin_boundaries": BOUNDARIES, "dtype": "int64", "batch_input_shape": [None, 6]}
    layers = [{"class_name": "Discretization", "config": config}]
    repaired, _ = repair({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
    rebuilt_model = keras.saving.deserialize_keras_object(repaired)
    assert rebuilt_model.layers[-1].compute_dtype == "float32"
