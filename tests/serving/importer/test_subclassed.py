"""Tests of subclassed models: they become functional models, or the error says how to export them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.importer import worker
from keras_gallery.serving.importer.subclassed import as_functional, register


class Tower(keras.Model):
    def __init__(self, units: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.embedding, self.dense = units, layers.Embedding(5, 4), layers.Dense(units)

    def call(self, ids: Any, training: bool = False) -> Any:
        return {"code": self.dense(self.embedding(ids)), "ids": ids}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Pair(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs["left"] @ inputs["right"]


class Half(keras.Model):
    """Does not build its layer when Keras loads it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dense = layers.Dense(2)

    def build(self, shape: Any) -> None:
        self.built = True

    def call(self, x: Any) -> Any:
        return self.dense(x)


def loaded(model: keras.Model, inputs: Any, folder: Path) -> keras.Model:
    model(inputs)
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras", custom_objects={type(model).__name__: type(model)})


def test_a_subclassed_model_is_called_with_the_saved_shapes(tmp_path: Path) -> None:
    ids = np.array([[1, 2, 0]], np.float32)
    original = Tower()
    model, lines = as_functional(loaded(original, ids, tmp_path))
    assert lines == ["subclassed model Tower, called with the shapes that it was built with: ids float32 (None, 3)"]
    assert model.input_shape == (None, 3) and set(model.output) == {"code", "ids"}
    np.testing.assert_allclose(model(np.repeat(ids, 2, 0))["code"][1:], original(ids)["code"], atol=1e-6)


def test_a_dictionary_of_inputs(tmp_path: Path) -> None:
    inputs = {"left": np.ones((1, 2, 3)), "right": np.ones((1, 3, 2))}
    model, _ = as_functional(loaded(Pair(), inputs, tmp_path))
    assert [each.name for each in model.inputs] == ["left", "right"]
    np.testing.assert_allclose(model(inputs), np.full((1, 2, 2), 3.0))


def test_models_with_inputs_stay_the_same(small_model: keras.Model) -> None:
    assert as_functional(small_model) == (small_model, [])
    empty = keras.Sequential([layers.Dense(2)])
    assert as_functional(empty) == (empty, [])


def test_models_that_cannot_be_called(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match=r"^The subclassed model Tower has no saved input shapes: .*export"):
        as_functional(Tower())
    with pytest.raises(FailedPrecondition, match="^Keras cannot load all weights of the subclassed model Half"):
        as_functional(loaded(Half(), np.ones((1, 3), np.float32), tmp_path))
    model = loaded(Tower(), np.ones((1, 3), np.float32), tmp_path)
    model.dense = None
    with pytest.raises(FailedPrecondition, match=r"^The subclassed model Tower cannot be called \(.*\): in"):
        as_functional(model)


def test_classes_without_the_decorator_are_registered() -> None:
    module = ModuleType("my_layers")
    own = type("Own", (layers.Layer,), {"__module__": "my_layers.inner"})
    other = type("Other", (layers.Layer,), {"__module__": "my_layers_of_others"})
    vars(module).update(Own=own, Other=other, Plain=object, Dense=layers.Dense, function=len)
    before = dict(keras.saving.get_custom_objects())
    try:
        register([module])
        assert keras.saving.get_custom_objects() == before | {"Own": own}
    finally:
        keras.saving.get_custom_objects().pop("Own", None)


def test_the_error_of_an_unknown_class_names_the_option() -> None:
    error = TypeError("Could not locate class 'Sampling'. Make sure custom classes are decorated with ...")
    message = worker._described(error, 1 << 30)["message"]
    assert message == "The class 'Sampling' is unknown: import the module that defines it with --classes"
