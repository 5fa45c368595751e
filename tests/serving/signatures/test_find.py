"""Tests which signatures an autoencoder gets, and the outputs of the signatures. No model is exported."""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.image_files import decode_images
from PIL import Image

Shape = tuple[int | None, ...]


def joined(before: Shape, code: Shape, after: Shape) -> keras.Model:
    """Returns an untrained autoencoder. Its input, code and output have the shapes `before`, `code` and `after`."""

    def part(name: str, shape: Shape, to: Shape) -> keras.Model:
        x = keras.Input(shape)
        y = layers.Reshape(to)(layers.Dense(int(np.prod(to)))(layers.Flatten()(x)))  # type: ignore[arg-type]
        return keras.Model(x, y, name=name)

    x = keras.Input(before)
    return keras.Model(x, part("decoder", code, after)(part("encoder", before, code)(x)))


def generative() -> keras.Model:
    """Returns a variational autoencoder. The decoder only reshapes the code to 2x3 images of one channel."""
    image = keras.Input((2, 3, 1))
    flat = layers.Flatten()(image)
    mean, log_variance = layers.Dense(6, name="mean")(flat), layers.Dense(6, name="log_variance")(flat)
    encoder = keras.Model(image, layers.Lambda(lambda pair: pair[0])([mean, log_variance]), name="encoder")
    code = keras.Input((6,))
    decoder = keras.Model(code, layers.Reshape((2, 3, 1))(code), name="decoder")
    return keras.Model(image, decoder(encoder(image)))


def draw(seed: int, count: int) -> Any:
    function = endpoints(generative())["generate"].function
    return function(tf.constant(seed, tf.int64), tf.constant(count))["image"].numpy()


BOTH = {"serving_default", "reconstruct", "encode", "decode", "score"}
CASES = {
    "vectors": ((12,), (3,), (12,), BOTH),
    "images": ((4, 4, 1), (3,), (4, 4, 1), BOTH | {"encode_png"}),
    "images with feature maps as codes": ((4, 4, 3), (2, 2, 5), (4, 4, 3), BOTH | {"encode_png"}),
    "images of two channels": ((4, 4, 2), (3,), (4, 4, 2), BOTH),
    "sequences": ((5, 2), (3,), (5, 2), BOTH),
    "grey to colour": (
        (4, 4, 1),
        (2, 2, 5),
        (4, 4, 3),
        {"serving_default", "colorize", "encode", "colorize_png", "encode_png"},
    ),
    "grey to colour of another size": ((4, 4, 1), (3,), (8, 8, 3), {"serving_default"}),
    "colour to grey": ((4, 4, 3), (3,), (4, 4, 1), {"serving_default"}),
    "one sequence to another": ((5, 1), (3,), (5, 3), {"serving_default"}),
}


@pytest.mark.parametrize("case", CASES)
def test_signatures_depend_on_shapes(case: str) -> None:
    before, code, after, expected = CASES[case]
    signatures = endpoints(joined(before, code, after))
    assert set(signatures) == expected and next(iter(signatures)) == "serving_default"
    for endpoint in signatures.values():
        example = endpoint.example(2)
        answers = endpoint.function(*(tf.constant(example[spec.name]) for spec in endpoint.inputs))
        assert all(len(answer) == 2 for answer in answers.values())


def test_a_model_with_two_inputs_is_not_an_autoencoder() -> None:
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    decoded = layers.Dense(4, name="decoder")(layers.Dense(2, name="encoder")(layers.Add()([x, y])))
    signatures = endpoints(keras.Model([x, y], decoded))
    assert [spec.name for spec in signatures["serving_default"].inputs] == ["x", "y"] and len(signatures) == 1


def test_generated_codes_are_normal() -> None:
    values = draw(0, 1024).ravel()
    # With 6,144 values, the probability that the mean is off by 0.06 is 3e-6. The probability that the variance is off
    # by 0.1 is also 3e-6.
    assert abs(values.mean()) < 0.06 and abs(values.var() - 1) < 0.1
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.06
    assert 0.66 < (abs(values) < 1).mean() < 0.71  # 0.683 for a normal distribution


def test_equal_seeds_give_equal_data() -> None:
    np.testing.assert_array_equal(draw(5, 4), draw(5, 4))
    for other in (6, -5, 5 + (1 << 32), 5 << 32):
        assert np.abs(draw(5, 4) - draw(other, 4)).min() > 0


@pytest.mark.parametrize("count", [-(1 << 31), -1, 0, 1025, (1 << 31) - 1])
def test_counts_out_of_range(count: int) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Expected a count from 1 to 1024. Received: {count}"):
        draw(0, count)


def file_of(pixels: Any, file_format: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_colour_files_as_grey_images(file_format: str) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (4, 6), np.uint8), rng.integers(0, 256, (4, 6, 3), np.uint8)
    colour[0] = 255
    files = [file_of(grey, file_format), file_of(colour, file_format)]
    got = decode_images(tf.constant(files), (4, 6, 1), make_grey=True).numpy()
    opened = [np.asarray(Image.open(io.BytesIO(file)), np.float64) / 255 for file in files]
    want = [opened[0], opened[1] @ [0.299, 0.587, 0.114]]
    # The results of JPEG decoders may differ by a few of the 256 levels.
    np.testing.assert_allclose(got[..., 0], want, atol=1e-6 if file_format == "png" else 4 / 255)
    assert got.min() >= 0 and got.max() <= 1
