"""Tests the signatures of classifiers, regressors, segmenters and detectors, and the outputs of the signatures.

No model is exported.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_gallery.models import list_models
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.signatures import Endpoint, endpoints
from PIL import Image

from ...models.registered import small
from ..task_models import classifier, quadrant_detector, regressor, segmenter
from ..text_models import texts_of

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def run(endpoint: Endpoint, **inputs: Any) -> dict[str, Any]:
    tensors = [tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs]
    return {name: value.numpy() for name, value in endpoint.function(*tensors).items()}


def example(**features: Any) -> bytes:
    lists = {name: tf.train.Feature(float_list=tf.train.FloatList(value=x)) for name, x in features.items()}
    return bytes(tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString())


def tokens() -> keras.Model:
    x = keras.Input((4,), dtype="int32", name="features")
    return keras.Model(x, layers.Dense(2, name="probabilities")(layers.Flatten()(layers.Embedding(9, 3)(x))))


def not_last() -> keras.Model:
    x = keras.Input((4,), name="features")
    return keras.Model(x, layers.Dense(2, name="more")(layers.Dense(3, name="probabilities")(x)))


def like_a_decoder() -> keras.Model:
    """Returns a segmenter with layers `encoder` and `decoder`. The output has the same shape as the input."""
    x = keras.Input((8, 8, 2), name="image")
    h = layers.Conv2D(2, 1, name="decoder")(layers.Conv2D(2, 1, name="encoder")(x))
    return keras.Model(x, layers.Softmax(name="pixel_probabilities")(h))


EMBED = {"embed", "embed_png"}
CASES: dict[str, tuple[Callable[[], keras.Model], set[str]]] = {
    "classifier of images": (classifier, {"classify", "classify_png", "classify_example"} | EMBED),
    "classifier of images with two channels": (
        lambda: classifier((8, 8, 2)),
        {"classify", "classify_example", "embed"},
    ),
    "classifier of images of any size": (lambda: classifier((None, None, 1)), {"classify", "embed"}),
    "classifier of vectors": (lambda: classifier((4,), embedding=False), {"classify", "classify_example"}),
    "classifier of sequences": (lambda: classifier((5, 2)), {"classify", "classify_example", "embed"}),
    "sequential classifier": (
        lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2, name="probabilities")]),
        {"classify", "classify_example"},
    ),
    "classifier of ids": (tokens, {"classify"}),
    "classifier with a layer after the probabilities": (not_last, set()),
    "regressor of vectors": (regressor, {"regress", "regress_example", "embed"}),
    "regressor of images": (
        lambda: regressor((8, 8, 3), embedding=False),
        {"regress", "regress_png", "regress_example"},
    ),
    "regressor with three outputs": (lambda: regressor(k=3), {"regress", "embed"}),
    "segmenter": (segmenter, {"segment", "segment_png"}),
    "segmenter with the layers of an autoencoder": (like_a_decoder, {"segment"}),
    "detector": (quadrant_detector, {"detect", "detect_png"}),
}


@pytest.mark.parametrize("case", CASES)
def test_signatures_depend_on_the_last_layer(case: str) -> None:
    make, expected = CASES[case]
    signatures = endpoints(make())
    assert set(signatures) == {"serving_default"} | expected and next(iter(signatures)) == "serving_default"
    for name, endpoint in signatures.items():
        answers = run(endpoint, **endpoint.example(2))
        assert all(len(answer) == 2 for answer in answers.values()), name
        assert endpoint.method == {"classify_example": CLASSIFY, "regress_example": REGRESS}.get(
            name, "tensorflow/serving/predict"
        )


@pytest.mark.parametrize("name", list_models())
def test_every_registered_model_has_more_than_the_default_signature(name: str) -> None:
    model = small(name)
    assert len(endpoints(model, texts=texts_of(model))) > 1


# === Classifiers ===


@pytest.fixture(scope="module")
def images() -> Any:
    """Returns images (7, 8, 8, 1) with values that PNG files can represent."""
    return np.random.default_rng(0).integers(0, 256, (7, 8, 8, 1)).astype(np.float32) / 255


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return classifier()


def files_of(images: Any) -> Any:
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(np.rint(image[..., 0] * 255).astype(np.uint8)).save(file, "png")
        files.append(file.getvalue())
    return files


def test_classify(model: keras.Model, images: Any) -> None:
    signatures = endpoints(model, labels=["ant", "bee", "cicada"])
    want = model.predict(images, verbose=0)
    best = np.array([b"ant", b"bee", b"cicada"])[want.argmax(1)]
    np.testing.assert_allclose(run(signatures["serving_default"], image=images)["probabilities"], want, atol=1e-6)
    for answer in (
        run(signatures["classify"], image=images),
        run(signatures["classify_png"], image_bytes=files_of(images)),
    ):
        np.testing.assert_allclose(answer["probabilities"], want, atol=1e-5)
        np.testing.assert_array_equal(answer["label"], best)
        np.testing.assert_allclose(answer["score"], want.max(1), atol=1e-5)
        assert answer["score"].dtype == np.float32
    assert len(set(best)) > 1


def test_classify_examples_keeps_the_order_of_the_classes(model: keras.Model, images: Any) -> None:
    endpoint = endpoints(model, labels=["ant", "bee", "žába"])["classify_example"]
    answer = run(endpoint, inputs=[example(image=image.ravel(), more=[1]) for image in images])
    want = model.predict(images, verbose=0)
    np.testing.assert_allclose(answer["scores"], want, atol=1e-6)
    assert answer["classes"].tolist() == [[b"ant", b"bee", "žába".encode()]] * 7
    assert (want[:, :-1] < want[:, 1:]).any() and (want[:, :-1] > want[:, 1:]).any()


def test_class_numbers_and_wrong_numbers_of_labels(model: keras.Model, images: Any) -> None:
    numbers = run(endpoints(model)["classify"], image=images)["label"]
    np.testing.assert_array_equal(numbers.astype(int), model.predict(images, verbose=0).argmax(1))
    with pytest.raises(InvalidArgument, match="^Expected 3 labels, one for each class. Received: 2$"):
        endpoints(model, labels=["ant", "bee"])
    with pytest.raises(InvalidArgument, match="Expected 1 labels, one for each class. Received: 2"):
        endpoints(quadrant_detector(), labels=["ant", "bee"])
    assert endpoints(segmenter(), labels=["ignored"])


def test_embed_returns_the_input_of_the_last_layer(model: keras.Model, images: Any) -> None:
    h = keras.Model(model.inputs, model.get_layer("probabilities").input).predict(images, verbose=0)
    signatures = endpoints(model)
    np.testing.assert_allclose(run(signatures["embed"], image=images)["embedding"], h, atol=1e-6)
    np.testing.assert_allclose(run(signatures["embed_png"], image_bytes=files_of(images))["embedding"], h, atol=1e-5)
    assert h.shape == (7, 5)


BAD_EXAMPLES = {
    "missing feature": (lambda: example(features=[0] * 64), "Feature: image .* is required but could not be found"),
    "too few values": (lambda: example(image=[0] * 63), "Key: image.*Number of float values"),
    "bytes that are not an example": (lambda: b"no example", "Could not parse example"),
}


@pytest.mark.parametrize("case", BAD_EXAMPLES)
def test_bad_examples_are_rejected(model: keras.Model, case: str) -> None:
    make, message = BAD_EXAMPLES[case]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(endpoints(model)["classify_example"], inputs=[make()])


# === Regressors ===


def test_regress() -> None:
    model = regressor()
    x = np.random.default_rng(0).standard_normal((7, 4)).astype(np.float32)
    want, signatures = model.predict(x, verbose=0), endpoints(model)
    for name in ("serving_default", "regress"):
        np.testing.assert_allclose(run(signatures[name], features=x)["prediction"], want, atol=1e-6)
    by_examples = run(signatures["regress_example"], inputs=[example(features=row) for row in x])
    np.testing.assert_allclose(by_examples["outputs"], want, atol=1e-6)
    assert by_examples["outputs"].shape == (7, 1)


# === Segmenters ===


def test_segment(images: Any) -> None:
    signatures = endpoints(segmenter())
    for answer in (
        run(signatures["segment"], image=images),
        run(signatures["segment_png"], image_bytes=files_of(images)),
    ):
        np.testing.assert_array_equal(answer["mask"], images[..., 0] < 0.5)  # no value is 1/2
        np.testing.assert_allclose(answer["confidence"], abs(images[..., 0] - 0.5) + 0.5, atol=1e-6)
        assert answer["mask"].dtype == np.uint8


def test_a_segmenter_has_at_most_256_classes() -> None:
    x = keras.Input((2, 2, 1), name="image")
    with pytest.raises(InvalidArgument, match="Expected at most 256 classes of pixels. Received: 257"):
        endpoints(keras.Model(x, layers.Conv2D(257, 1, name="pixel_probabilities")(x)))
    signatures = endpoints(keras.Model(x, layers.Conv2D(256, 1, name="pixel_probabilities")(x)))
    assert run(signatures["segment"], image=np.ones((1, 2, 2, 1)))["mask"].shape == (1, 2, 2)
