"""Tests of the layers in a version's card, for all models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from keras_gallery.models import list_models
from keras_gallery.serving import card
from keras_gallery.serving.export.card import layers, write_card

from ...models.registered import small


def last(model: keras.Model, name: str) -> list[Any]:
    return [list(tensor.shape) for tensor in keras.tree.flatten(getattr(model, name))]


@pytest.mark.parametrize("name", list_models())
def test_the_layers_of_all_models(name: str) -> None:
    model = small(name)
    found = layers(model)
    for at, each in enumerate(found):
        assert all(before < at for before in each["inputs"])
        assert bool(each["inputs"]) == (each["type"] != "InputLayer")
    assert sum(each["parameters"] for each in found) == model.count_params()
    shapes = [shape for each in found for shape in each["shapes"]]
    assert all(shape in shapes for shape in last(model, "inputs") + last(model, "outputs"))
    used = {before for each in found for before in each["inputs"]}
    assert len(set(range(len(found))) - used) <= len(keras.tree.flatten(model.outputs))


def test_inner_models_and_several_inputs() -> None:
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "relu", name="code")], name="encoder")
    a, b = keras.Input((3,), name="a"), keras.Input((None, 3), name="b")
    sequence = keras.layers.Bidirectional(keras.layers.GRU(1), name="both")(b)
    model = keras.Model([a, b], keras.layers.Add(name="sum")([inner(a), sequence]))
    found = {each["name"]: each for each in layers(model)}
    names = list(found)
    before = {name: [names[at] for at in each["inputs"]] for name, each in found.items()}
    assert before == {"a": [], "b": [], "code": ["a"], "both": ["b"], "sum": sorted(["code", "both"], key=names.index)}
    assert found["code"]["type"] == "Dense, relu" and found["code"]["group"] == "encoder"
    assert found["both"]["type"] == "Bidirectional of GRU" and found["both"]["shapes"] == [[None, 2]]
    assert found["b"]["shapes"] == [[None, None, 3]] and found["code"]["parameters"] == 8


def test_a_model_without_a_graph(tmp_path: Path) -> None:
    class Twice(keras.Model):
        def call(self, x: Any) -> Any:
            return 2 * x

    model = Twice()
    model.build((None, 2))
    write_card(tmp_path, model, {"summary": "Ω"})
    assert json.loads(card.read(tmp_path)) == {"summary": "Ω", "layers": [], "parameters": 0}
