"""Tests the names that take the place of names that TensorFlow does not allow."""

from __future__ import annotations

import keras
import pytest
from keras import layers
from keras_gallery.serving.signatures.names import fit_names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a b", "a_b"),
        ("x:0", "x_0"),
        ("größe", "grosse"),
        ("_x", "x"),
        ("日本", "unnamed"),
        ("class", "class_input"),
        ("self", "self_input"),
        ("None", "None_input"),
        ("1st", "1st"),
        ("a.b-c", "a.b-c"),
    ],
)
def test_names(old: str, new: str) -> None:
    x = keras.Input((3,), name=old)
    model = keras.Model(x, layers.Dense(2, name="out")(x), name="m")
    changes = fit_names(model)
    assert model.inputs[0].name == model.layers[0].name == new
    assert [(each.what, each.old, each.new) for each in changes] == ([] if old == new else [("input", old, new)])
    for each in changes:
        each.undo()
    assert model.inputs[0].name == model.layers[0].name == old


def test_new_names_are_unique() -> None:
    a, b, c = (keras.Input((3,), name=name) for name in ("a b", "A_B", "a:b"))
    x = layers.Concatenate()([a, b, c])
    inner = keras.Sequential(
        [keras.Input((9,)), layers.Dense(2, name="x y"), layers.Dense(2, name="x:y")], name="in ner"
    )
    model = keras.Model([a, b, c], layers.Dense(1, name="class")(inner(x)), name="the model")
    assert [str(each).split(",")[0] for each in fit_names(model)] == [
        "input 'a b' is now named 'a_b_2'",
        "input 'a:b' is now named 'a_b_3'",
        "model 'the model' is now named 'the_model'",
        "model 'in ner' is now named 'in_ner'",
        "layer 'x y' is now named 'x_y'",
        "layer 'x:y' is now named 'x_y_2'",
    ]
    assert [layer.name for layer in inner.layers] == ["x_y", "x_y_2"]
