"""Tests that models are rebuilt with Keras's own layers only, and that the outputs stay equal."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    from keras_gallery.models.layers.masked_conv1d import MaskedConv1D
    from keras_gallery.serving.errors import FailedPrecondition
    from keras_gallery.serving.targets.plain import plain

    from ...models.layer_checks import randomise, to_numpy
    from ...models.registered import every_variant, inputs, small


def values(model: keras.Model, x: Any) -> list[np.ndarray]:
    return [to_numpy(each) for each in keras.tree.flatten(model(x, training=False))]


def assert_alike(model: keras.Model, rebuilt: keras.Model, x: Any) -> None:
    for got, want in zip(values(rebuilt, x), values(model, x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def sub_models(model: keras.Model) -> list[str]:
    return [each.name for each in model.layers if isinstance(each, keras.Model)]


def modules(config: Any) -> set[str]:
    """Returns the names of the modules of all classes in a configuration."""
    if isinstance(config, dict):
        own = {config["module"]} if isinstance(config.get("module"), str) else set()
        return own.union(*map(modules, config.values()))
    return set().union(*map(modules, config)) if isinstance(config, list | tuple) else set()


@every_variant
def test_every_model(name: str, variant: dict[str, Any]) -> None:
    model = small(name, **variant)
    randomise(model)
    x, layers, parts = inputs(model, 3), [each.name for each in model.layers], sub_models(model)
    for flat in (False, True) if parts else (False,):
        rebuilt, _ = plain(model, flat=flat)
        assert_alike(model, rebuilt, x)
        used = modules(keras.saving.serialize_keras_object(rebuilt))
        assert {each.partition(".")[0] for each in used} <= {"keras", "builtins"}
        assert sub_models(rebuilt) == ([] if flat else parts)
    # The original model is unchanged.
    assert [each.name for each in model.layers] == layers
    assert model.layers[-1].output is not None


def test_notes_describe_the_changes() -> None:
    _, notes = plain(small("denoising_autoencoder"))
    assert notes == ["corruption: left out, it is only active in training"]
    _, notes = plain(small("tied_autoencoder"))
    assert notes == ["tied_1: TiedDense written as Dense; encoder and decoder no longer share a kernel"]


def test_weights_are_copies() -> None:
    model = small("dense_autoencoder")
    rebuilt, _ = plain(model)
    before = values(model, x := inputs(model, 2))
    rebuilt.set_weights([0 * weight for weight in rebuilt.get_weights()])
    np.testing.assert_array_equal(values(model, x), before)


def test_a_shared_layer_stays_shared() -> None:
    dense = keras.layers.Dense(3, name="twice")
    x = keras.Input((3,))
    model = keras.Model(x, dense(dense(x)))
    rebuilt, _ = plain(model)
    assert [each.name for each in rebuilt.layers].count("twice") == 1 and rebuilt.count_params() == 12
    assert_alike(model, rebuilt, np.eye(3, dtype=np.float32))


def test_sequential_models_and_duplicate_names() -> None:
    def part(name: str) -> keras.Model:
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="dense")], name=name)

    x = keras.Input((2,))
    model = keras.Model(x, part("b")(part("a")(x)))
    for flat in (False, True):
        assert_alike(model, plain(model, flat=flat)[0], np.eye(2, dtype=np.float32))


@pytest.mark.filterwarnings("ignore:Layer 'masked_conv1d.*was passed an input with a mask")
def test_masks_reach_layers_after_a_layer_that_drops_them() -> None:
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 3, mask_zero=True)(ids)
    model = keras.Model(ids, keras.layers.GRU(4)(MaskedConv1D(3, 2)(x)))
    rebuilt, notes = plain(model)
    assert notes == [f"{model.layers[-2].name}: MaskedConv1D written as Conv1D; its output has no mask"]
    assert_alike(model, rebuilt, np.array([[1, 2, 3, 4], [3, 1, 0, 0]]))


def test_a_mean_with_a_mask() -> None:
    model = small("word2vec_cbow")
    randomise(model)
    x = inputs(model, 2)
    x["context"][0, 1:] = 0
    assert_alike(model, plain(model)[0], x)


@keras.saving.register_keras_serializable(package="tests")
class Weighted(keras.layers.Layer):
    def build(self, _: Any) -> None:
        self.scale = self.add_weight(shape=())

    def call(self, x: Any) -> Any:
        return self.scale * x

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


@keras.saving.register_keras_serializable(package="tests")
class Doubled(keras.layers.Layer):
    def call(self, x: Any, mask: Any = None) -> Any:
        return keras.ops.add(x, x)


def test_a_layer_without_weights_becomes_its_operations() -> None:
    x = keras.Input((3,))
    model = keras.Model(x, Doubled(name="doubled")(x))
    rebuilt, notes = plain(model)
    assert notes == ["doubled: Doubled written as Add"]
    assert_alike(model, rebuilt, np.ones((2, 3), np.float32))


@keras.saving.register_keras_serializable(package="tests")
def cube(x: Any) -> Any:
    return x * x * x


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (Weighted(name="w"), "layer w of class Weighted"),
        (keras.layers.Lambda(lambda x: x, name="l"), "layer l, a Lambda"),
        (keras.layers.Dense(2, activation=cube, name="d"), "layer d of class Dense, with function of"),
        (keras.layers.TimeDistributed(Weighted(), name="t"), "layer t of class TimeDistributed, with Weighted of"),
    ],
)
def test_unsupported_layers(layer: keras.layers.Layer, what: str) -> None:
    x = keras.Input((4, 2))
    with pytest.raises(FailedPrecondition, match=what) as caught:
        plain(keras.Model(x, layer(x)))
    assert "\n" not in str(caught.value)


def test_a_subclass_of_model_is_rejected() -> None:
    class Coded(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(FailedPrecondition, match="Received: c of class Coded"):
        plain(Coded(name="c"))
