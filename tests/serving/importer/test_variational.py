"""Tests the parts of variational autoencoders: the mean is the code, and all outputs of the encoder have names."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.importer.parts import named_parts
from keras_gallery.serving.signatures import endpoints


class Sampling(layers.Layer):
    """Draws a sample from a mean and a log variance."""

    def call(self, pair: Any) -> Any:
        return pair[0] + keras.ops.exp(0.5 * pair[1]) * keras.random.normal(keras.ops.shape(pair[0]))


def variational(names: str = "z_mean z_log_var z", parts: str = "encoder decoder", form: str = "list") -> keras.Model:
    """Returns a variational autoencoder of 12 features with a code of 2 values.

    Args:
        names: names of the layers that compute the mean, the log variance and the sample.
        parts: names of the encoder and the decoder.
        form: the encoder is a sub-model with a "list" or "dict" of outputs, does not draw the "sample" itself, or is
            not a sub-model ("flat"). "only sample": the encoder is a sub-model that returns the sample.
    """
    keys = names.split()
    first, second = parts.split()
    x, z, image = layers.Input((12,)), layers.Input((2,)), layers.Input((12,))
    h = layers.Dense(6, name=first if form == "flat" else None)(x)
    tensors = [layers.Dense(2, name=key)(h) for key in keys[:2]]
    if form != "sample":
        tensors.append(Sampling(name=keys[2])(tensors))
    if form == "flat":
        return keras.Model(x, layers.Dense(12, name=second)(tensors[2]))
    encoder = keras.Model(x, dict(zip(keys, tensors, strict=True)) if form == "dict" else tensors, name=first)
    decoder = keras.Model(z, layers.Dense(12)(z), name=second)
    encoded = encoder(image)
    if form == "only sample":
        return keras.Model(image, decoder(keras.Model(x, tensors[2], name=first)(image)))
    code = Sampling(name=keys[2])(encoded) if form == "sample" else encoded[keys[2] if form == "dict" else 2]
    return keras.Model(image, decoder(code))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"form": "dict"},
        {"names": "mu sigma code", "parts": "vae_encoder vae_decoder"},
        {"form": "sample"},
        {"form": "flat", "parts": "encoder_dense decoder_dense"},
        {"form": "flat", "names": "latent_mean latent_log_var latent"},
    ],
    ids=str,
)
def test_the_mean_is_the_code_of_a_variational_autoencoder(options: dict[str, str]) -> None:
    model = variational(**options)
    named, notes = named_parts(model)
    signatures = endpoints(named)
    assert {"encode", "decode", "reconstruct", "score", "encode_all"} <= signatures.keys()
    x = tf.constant(np.random.default_rng(0).random((3, 12), np.float32))
    outputs = signatures["encode_all"].function(x)
    (mean,) = (value for key, value in outputs.items() if "mean" in key or "mu" in key)
    code = signatures["encode"].function(x)["code"]
    np.testing.assert_allclose(code, mean, atol=1e-6)
    assert len(outputs) == 3 and "encode returns" in notes[1] and "decode the mean" in notes[2]
    decoded = signatures["decode"].function(code)["features"]
    np.testing.assert_allclose(signatures["reconstruct"].function(x)["reconstruction"], decoded, atol=1e-6)
    whole = [signatures["serving_default"].function(x)["reconstruction"] for _ in range(2)]
    assert np.abs(whole[0] - whole[1]).max() > 1e-3  # as in the file, the model draws a sample


@pytest.mark.parametrize("form", ["list", "dict", "sample", "flat", "only sample"])
def test_the_mean_is_found_by_running_the_layer_that_draws_the_sample(form: str) -> None:
    named, notes = named_parts(variational("a b c", form=form))
    signatures = endpoints(named)
    outputs = signatures["encode_all"].function(tf.ones((3, 12)))
    assert list(outputs) == ["a", "b", "c"]  # the layer that draws the sample keeps its name
    np.testing.assert_allclose(signatures["encode"].function(tf.ones((3, 12)))["code"], outputs["a"], atol=1e-6)
    assert "output a of the encoder, the mean of the random output c" in notes[1] and "decode the mean" in notes[2]


def test_a_random_code_whose_mean_is_not_known() -> None:
    class Blur(layers.Layer):
        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x))

    x = layers.Input((12,))
    model = keras.Model(x, layers.Dense(12, name="decoder")(Blur(name="encoder")(layers.Dense(2)(x))))
    named, notes = named_parts(model)
    assert "encode" in endpoints(named) and "encode returns the output of encoder, which is random" in notes[-1]


@pytest.mark.parametrize("mean", ["z_mean", "a"])
def test_a_reconstruction_with_the_mean_and_the_variance_as_outputs(mean: str) -> None:
    x = layers.Input((12,))
    tensors = [layers.Dense(2, name=name)(x) for name in (mean, "z_log_var")]
    model = keras.Model(x, [layers.Dense(12, name="decoder")(Sampling()(tensors)), *tensors])
    named, (note,) = named_parts(model)
    assert named is model and f"without encode and decode: the model has 3 outputs (decoder, {mean}, z_log_var)" in note
    assert note.endswith(f"also the mean of the code, {mean}")
    several = keras.Model(x, [layers.Dense(12)(x), layers.Dense(2)(x)])
    assert named_parts(several) == (several, [])
