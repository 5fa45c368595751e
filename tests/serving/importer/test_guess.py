"""Tests which layer of an autoencoder is the code, by the names of its layers."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.importer.parts import named_parts
from keras_gallery.serving.signatures import endpoints

CODE = {  # the sizes and names of Dense layers → the size of the code, or None if the model must stay whole
    "last of numbered layers": ("9 encoder_1, 7 encoder_2, 4 encoder_3, 7 decoder_1, 12 decoder_2", 4),
    "numbered layers in reverse": ("9 encoder_2, 4 encoder_1, 7 decoder_1, 12 decoder_2", 4),
    "numbered layers without a decoder": ("9 enc1, 4 enc2, 7 a, 12 b", 4),
    "exact name after an encoder": ("9 enc_dense1, 4 code, 9 dec_dense1, 12 dec_out", 4),
    "exact name before another one": ("4 bottleneck, 9 encoder_out, 12 decoder_out", 4),
    "exact name between exact names": ("9 encoder, 4 Latent, 12 decoder", 4),
    "code between numbered layers": ("9 encoder_1, 4 latent_vector, 9 decoder_1, 12 decoder_2", 4),
    "capital letters in names": ("9 encoderDense1, 4 encoderDense2, 9 decoderDense1, 12 decoderDense2", 4),
    "last layer before the decoder": ("9 enc_in, 4 enc_out, 9 dec_in, 12 dec_out", 4),
    "first of the decoder's layers": ("9 a, 4 b, 9 decoder_1, 12 decoder_2", 4),
    "plain layers": ("4 encoder, 12 decoder", 4),
    "two exact names": ("9 code, 4 bottleneck, 12 out", None),
    "two layers without numbers": ("9 enc_in, 4 enc_out, 12 out", None),
    "another layer before the decoder": ("9 encoder_1, 7 encoder_2, 4 middle, 9 decoder_1, 12 decoder_2", None),
    "only the last layer": ("9 a, 12 encoding", None),
}


@pytest.mark.parametrize("case", CODE)
def test_which_layer_is_the_code(case: str) -> None:
    text, size = CODE[case]
    parts = [each.split() for each in text.split(", ")]
    model = keras.Sequential([layers.Input((12,)), *(layers.Dense(int(units), name=name) for units, name in parts)])
    named, notes = named_parts(model)
    if size is None:
        assert list(endpoints(named)) == ["serving_default"]
        assert (
            case == "only the last layer" or "the code could be the output of" in notes[0] and "--encoder" in notes[0]
        )
    else:
        answer = endpoints(named)["encode"].function(tf.ones((2, 12)))["code"]
        assert answer.shape == (2, size)


def test_pooling_without_a_name_before_the_decoder() -> None:
    def pooled(name: str) -> keras.Model:
        return keras.Sequential(
            [
                layers.Input((4, 4, 1)),
                layers.Conv2D(2, 3, padding="same", name="encoder_1"),
                layers.MaxPooling2D(name=name),
                layers.Conv2DTranspose(1, 3, 2, padding="same", name="decoder_1"),
            ]
        )

    assert "the output of encoder_1 or the input of decoder_1" in named_parts(pooled("pool"))[1][0]
    assert "split at the output of encoder_2 (None, 2, 2, 2)" in named_parts(pooled("encoder_2"))[1][0]
