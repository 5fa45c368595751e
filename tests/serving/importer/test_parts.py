"""Tests of naming the parts of an imported model. The outputs of the model must not change."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.importer import inputs
from keras_gallery.serving.importer.parts import input_notes, named_parts, output_notes
from keras_gallery.serving.signatures import endpoints

AUTOENCODER = {"serving_default", "reconstruct", "encode", "decode", "score"}


def flat(code: str = "code", skip: bool = False, noisy: bool = False) -> keras.Model:
    """Returns an autoencoder of 12 features with a code of 4 values."""
    x = layers.Input((12,), name="x")
    h = layers.GaussianNoise(0.1, name="noise")(x) if noisy else x
    h = layers.Dense(8, "relu", name="down")(h)
    h = layers.Dense(4, name=code)(h)
    y = layers.Dense(12, name="out")(layers.Dense(8, "relu", name="up")(h))
    return keras.Model(x, layers.Add(name="sum")([x, y]) if skip else y)


def two_models(forth: str, back: str) -> keras.Model:
    encoder = keras.Sequential([layers.Input((12,)), layers.Dense(4)], name=forth)
    decoder = keras.Sequential([layers.Input((4,)), layers.Dense(12)], name=back)
    return keras.Sequential([encoder, decoder])


def check(model: keras.Model, *arguments: str | None) -> tuple[keras.Model, set[str]]:
    """Returns the model with named parts, and its signatures. Asserts that the outputs equal those of `model`."""
    named, _ = inputs.named_classes(named_parts(model, *arguments)[0], None)
    x = np.random.default_rng(0).random((3, *model.inputs[0].shape[1:]), np.float32)
    np.testing.assert_allclose(np.asarray(named(x)), np.asarray(model(x)), atol=1e-6)
    return named, set(endpoints(named))


@pytest.mark.parametrize(
    "model",
    [
        flat("code"),
        flat("Bottleneck"),
        flat("latent_1"),
        two_models("encoder", "decoder"),
        two_models("my_encoder_1", "my_decoder_1"),
        keras.Sequential([layers.Input((12,)), layers.Dense(4, name="encoded"), layers.Dense(12)]),
    ],
    ids=lambda model: "-".join(layer.name for layer in model.layers),
)
def test_the_code_is_found_by_name(model: keras.Model) -> None:
    named, signatures = check(model)
    assert signatures == AUTOENCODER
    assert named.get_layer("encoder").output_shape == (None, 4)


@pytest.mark.parametrize("arguments", [("middle", None), (None, "up"), ("middle", "up"), ("middle", "out")])
def test_arguments_name_the_encoder_and_the_decoder(arguments: tuple[str | None, str | None]) -> None:
    model = flat("middle")
    assert check(model)[1] == {"serving_default"}
    named, signatures = check(model, *arguments)
    assert signatures == AUTOENCODER
    x = np.random.default_rng(0).random((3, 12), np.float32)
    code = keras.Model(model.inputs[0], model.get_layer("middle").output)(x)
    np.testing.assert_allclose(np.asarray(named.get_layer("encoder")(x)), np.asarray(code), atol=1e-6)


def test_noise_on_the_input_gives_denoise() -> None:
    assert check(flat(noisy=True))[1] == AUTOENCODER | {"denoise"}


@pytest.mark.parametrize("softmax", ["activation", "layer"])
def test_a_softmax_gives_classify(softmax: str) -> None:
    last = [layers.Dense(3, "softmax")] if softmax == "activation" else [layers.Dense(3), layers.Softmax()]
    model = keras.Sequential([layers.Input((12,)), *last])
    assert "classify" in check(model)[1]
    assert "classify" not in check(keras.Sequential([layers.Input((12,)), layers.Dense(3)]))[1]


def test_other_models_stay_unchanged() -> None:
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    model = keras.Model([a, b], layers.Add(name="add")([a, b]))
    assert named_parts(model) == (model, [])
    with pytest.raises(InvalidArgument, match="one input and one output.*Received: 2 inputs and 1 outputs"):
        named_parts(model, "add")


def test_layers_at_which_the_model_cannot_be_split() -> None:
    with pytest.raises(InvalidArgument, match="--encoder to be a layer of the model: x, down, .*Received: cod$"):
        named_parts(flat(), "cod")
    with pytest.raises(InvalidArgument, match="come after the encoder. Received: up and down"):
        named_parts(flat(), "up", "down")
    with pytest.raises(InvalidArgument, match="layers after the encoder's output.*Received: --encoder out"):
        named_parts(flat(), "out")
    with pytest.raises(FailedPrecondition, match="cannot be split at the output of code.*skip connection"):
        named_parts(flat(skip=True), "code")


def test_layers_before_the_encoder_and_after_the_decoder() -> None:
    encoder = keras.Sequential([layers.Input((12,)), layers.Dense(4)], name="encoder")
    decoder = keras.Sequential([layers.Input((4,)), layers.Dense(12)], name="decoder")
    x = layers.Input((12,))
    model = keras.Model(x, layers.Rescaling(5.0)(decoder(encoder(layers.Rescaling(0.2)(x)))))
    named, signatures = check(model)
    assert signatures == AUTOENCODER
    data = tf.constant(np.random.default_rng(0).random((3, 12), np.float32))
    code = endpoints(named)["encode"].function(data)["code"]
    np.testing.assert_allclose(code, encoder(0.2 * data), atol=1e-6)
    np.testing.assert_allclose(endpoints(named)["decode"].function(code)["features"], model(data), atol=1e-6)


def two_scales() -> keras.Model:
    """Returns a U-Net whose encoder is a sub-model with two outputs."""
    x, wide, deep = layers.Input((4, 4, 1)), layers.Input((4, 4, 2)), layers.Input((2, 2, 2))
    first = layers.Conv2D(2, 1)(x)
    encoder = keras.Model(x, [first, layers.MaxPooling2D()(first)], name="encoder")
    joined = layers.Concatenate()([wide, layers.UpSampling2D()(deep)])
    decoder = keras.Model([wide, deep], layers.Conv2D(1, 1)(joined), name="decoder")
    return keras.Model(x, decoder(encoder(x)))


def repeated() -> keras.Model:
    x, encoder = layers.Input((12,)), layers.Dense(4, name="encoder")
    return keras.Model(x, layers.Dense(12, name="decoder")(layers.Add()([encoder(x), encoder(2 * x)])))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (flat("bottleneck", skip=True), "skip connection"),
        (two_scales(), "after encoder, which has 2 outputs"),
        (repeated(), "encoder, used 2 times"),
    ],
    ids=["skip connection", "two scales", "shared encoder"],
)
def test_models_that_only_look_like_autoencoders_stay_whole(model: keras.Model, reason: str) -> None:
    named, notes = named_parts(model)
    assert named is model and list(endpoints(named)) == ["serving_default"]
    assert len(notes) == 1 and "exported whole" in notes[0] and reason in notes[0]


def test_no_encode_if_the_output_has_another_shape() -> None:
    model = keras.Sequential([layers.Input((12,)), layers.Dense(4, name="middle"), layers.Dense(10)])
    named, notes = named_parts(model, "middle")
    assert "no encode and decode" in notes[-1] and list(endpoints(named)) == ["serving_default"]


def test_outputs_of_one_layer_are_reported() -> None:
    x = layers.Input((5, 3))
    sequence, h, _ = layers.LSTM(2, return_sequences=True, return_state=True, name="lstm")(x)
    first, second, third = output_notes(keras.Model(x, [h, layers.Dense(1, name="y")(h), sequence]))
    assert (first, second) == ("output lstm: state h of the layer lstm (LSTM)", "output y: layer y")
    assert third == "output lstm_1: sequence of the layer lstm (LSTM)"
    assert output_notes(keras.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h)])) == []


def test_ragged_and_sparse_inputs_are_reported() -> None:
    ids, bag = (
        layers.Input((None,), dtype="int32", ragged=True, name="ids"),
        layers.Input((3,), sparse=True, name="bag"),
    )
    h = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(ids))
    ragged, sparse = input_notes(keras.Model([ids, bag], layers.Add()([h, layers.Dense(3)(bag)])))
    assert "input ids: ragged" in ragged and "padding counts as data" in ragged and "input bag: sparse" in sparse
    assert input_notes(flat()) == []
