"""Tests which pixel values a model expects, and that signatures for image files convert the pixels to these values."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.signatures.pixels import pixel_range
from PIL import Image

IMAGENET = ([0.485, 0.456, 0.406], [0.0524, 0.0502, 0.0506])


def model(*first: Any, dtype: str = "float32") -> keras.Model:
    """Returns a classifier of images. Its first layers are `first`: layers, or functions of a tensor."""
    x = y = keras.Input((4, 4, 3), dtype=dtype, name="image")
    for layer in first:
        y = layer(y)
    return keras.Model(x, layers.Dense(3, "softmax", name="probabilities")(layers.Flatten()(layers.Conv2D(2, 3)(y))))


def batch_norm(mean: float, variance: float) -> keras.Model:
    found = model(layers.BatchNormalization(name="first"))
    found.get_layer("first").moving_mean.assign([mean] * 3)
    found.get_layer("first").moving_variance.assign([variance] * 3)
    return found


def preprocessed(mode: str) -> Callable[[Any], Any]:
    return lambda x: keras.applications.imagenet_utils.preprocess_input(x, mode=mode)


def autoencoder(activation: str) -> keras.Model:
    x = keras.Input((4, 4, 1))
    decoder = keras.Sequential(
        [keras.Input((3,)), layers.Dense(16, activation), layers.Reshape((4, 4, 1))], name="decoder"
    )
    return keras.Model(x, decoder(layers.Dense(3, name="encoder")(layers.Flatten()(x))))


@pytest.mark.parametrize(("pixels", "least", "most"), [("0..255", 0, 255), ("-1..1", -1, 1), ("unknown", 0, 1)])
def test_example_images_have_the_pixel_values_that_the_model_expects(pixels: str, least: float, most: float) -> None:
    signatures = endpoints(model(), pixels=pixels)
    for name in ("serving_default", "classify"):
        (images,) = signatures[name].example(8).values()
        assert least <= images.min() < least + (most - least) / 10 and most * 0.9 < images.max() <= most
    (images,) = endpoints(model(layers.Rescaling(1 / 255)), whole=True)["serving_default"].example(8).values()
    assert images.max() > 200


CASES: dict[str, tuple[Callable[[], keras.Model], str | None]] = {
    "x / 255 as a layer": (lambda: model(layers.Rescaling(1 / 255)), "0..255"),
    "x / 127.5 - 1": (lambda: model(layers.Rescaling(1 / 127.5, -1)), "0..255"),
    "2 x - 1": (lambda: model(layers.Rescaling(2, -1)), "0..1"),
    "255 x": (lambda: model(lambda x: 255 * x), "0..1"),
    "(x + 1) 127.5": (lambda: model(lambda x: (x + 1) * 127.5), "-1..1"),
    "(x + 1) / 2": (lambda: model(layers.Rescaling(0.5, 0.5)), "-1..1"),
    "the negative": (lambda: model(lambda x: 255 - x), "0..255"),
    "after layers that keep the values": (
        lambda: model(layers.RandomFlip(), layers.Resizing(6, 6), layers.ZeroPadding2D(), lambda x: x / 255),
        "0..255",
    ),
    "in a nested model": (
        lambda: model(keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)]), lambda x: 2 * x - 1),
        "0..255",
    ),
    "in a pipeline": (lambda: model(layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)])), "0..255"),
    "preprocess_input, tf": (lambda: model(preprocessed("tf")), "0..255"),
    "preprocess_input, torch": (lambda: model(preprocessed("torch")), "0..255"),
    "preprocess_input, caffe": (lambda: model(preprocessed("caffe")), "0..255"),
    "preprocess_input of 255 x": (lambda: model(lambda x: 255 * x, preprocessed("caffe")), "0..1"),
    "normalized from 0..1": (lambda: model(layers.Normalization(-1, *IMAGENET)), "0..1"),
    "normalized from 0..255": (lambda: model(layers.Normalization(-1, [123.0, 116.0, 103.0], [3400.0] * 3)), "0..255"),
    "normalized from -1..1": (lambda: model(layers.Normalization(-1, [-0.05] * 3, [0.25] * 3)), "-1..1"),
    "normalized after x / 255": (
        lambda: model(layers.Rescaling(1 / 255), layers.Normalization(-1, *IMAGENET)),
        "0..255",
    ),
    "batch normalization of 0..255": (lambda: batch_norm(120, 3000), "0..255"),
    "batch normalization of 0..1": (lambda: batch_norm(0.45, 0.07), "0..1"),
    "batch normalization of standardized images": (lambda: batch_norm(0.01, 1), None),
    "a new batch normalization": (lambda: model(layers.BatchNormalization(), layers.Rescaling(1 / 255)), "0..255"),
    "8-bit input": (lambda: model(lambda x: keras.ops.cast(x, "float32"), dtype="uint8"), "0..255"),
    "16-bit pixels": (lambda: model(layers.Rescaling(1 / 65535)), None),
    "nothing": (model, None),
    "a factor of zero": (lambda: model(layers.Rescaling(0)), None),
    "a contradiction": (lambda: model(lambda x: layers.Concatenate()([x / 255, 2 * x - 1])), None),
    "a reconstruction by a sigmoid": (lambda: autoencoder("sigmoid"), "0..1"),
    "a reconstruction by a tanh": (lambda: autoencoder("tanh"), "-1..1"),
    "a linear reconstruction": (lambda: autoencoder("linear"), None),
    "no images": (lambda: keras.Sequential([keras.Input((4,)), layers.Rescaling(1 / 255)]), None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_layers_say_the_range(case: str) -> None:
    build, expected = CASES[case]
    found, reason = pixel_range(build())
    assert found == expected and bool(reason) == (expected is not None)


FIRST = {
    "0..255": layers.Rescaling(1 / 255),
    "-1..1": layers.Rescaling(0.5, 0.5),
    "0..1": layers.Rescaling(2, -1),
}


@pytest.mark.parametrize("pixels", FIRST)
def test_files_have_the_pixel_values_that_the_model_expects(pixels: str) -> None:
    classifier = model(FIRST[pixels])
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    low, high = map(float, pixels.split(".."))
    values = (low + image / 255 * (high - low)).astype(np.float32)
    (got,) = endpoints(classifier)["classify_png"].function(tf.constant([file.getvalue()]))["probabilities"].numpy()
    np.testing.assert_allclose(got, np.asarray(classifier(values[None]))[0], atol=1e-5)


def test_files_for_a_model_of_8_bit_pixels() -> None:
    classifier = model(layers.Rescaling(1 / 255), dtype="uint8")
    example = endpoints(classifier)["classify_png"].example(2)["image_bytes"]
    images = np.array([np.asarray(Image.open(io.BytesIO(each))) for each in example])
    got = endpoints(classifier)["classify_png"].function(tf.constant(example))["probabilities"]
    np.testing.assert_allclose(got, np.asarray(classifier(images)), atol=1e-6)


def test_the_argument_overrides_the_layers() -> None:
    classifier = model(layers.Rescaling(1 / 255))
    assert endpoints(classifier, pixels="-1..1")["classify_png"].pixels == "-1..1"
    assert not [name for name in endpoints(classifier, pixels="unknown") if name.endswith("_png")]
    assert endpoints(model())["classify_png"].pixels == "0..1"
