"""Tests of the steps that decode pictures, against the graphs of TensorFlow."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation.description import Pictures as Description
from keras_gallery.preparation.fields import Fields
from keras_gallery.serving.errors import InvalidArgument, ServingError
from keras_gallery.serving.steps.base import read_step
from keras_gallery.serving.steps.budget import QUICK_BYTES
from keras_gallery.serving.steps.pictures import ImageFiles, Pictures
from PIL import Image, PngImagePlugin

from ...preparation.pictures import encoded, kinds, photograph

FILES = kinds()
SIZE = (37, 53)  # of these files


def transparent(mode: str, value: Any) -> bytes:
    return encoded(photograph().convert(mode), "PNG", transparency=value)


ALL = FILES | {
    "RGB with a transparent colour": transparent("RGB", (128, 128, 128)),
    "grey with a transparent value": transparent("L", 128),
    "grey of 4 bits": encoded(photograph().convert("L"), "PNG", bits=4),
    "damaged PNG": FILES["RGB"][:400],
    "damaged JPEG": FILES["JPEG"][:300],
    "GIF": encoded(photograph().convert("P"), "GIF"),
    "header only": FILES["RGB"][:24],
    "empty": b"",
    "text": b"some text that is no picture",
    "other size": encoded(photograph(20, 20), "PNG"),
    "much text": encoded(photograph(), "PNG", pnginfo=PngImagePlugin.PngInfo()) + bytes(60_000),
}


def as_array(*files: bytes) -> Any:
    return np.array([*files, None], object)[:-1]


def both(graph: Any, step: Any, *files: bytes) -> tuple[Any, Any]:
    """Returns what TensorFlow and the step return, or "error"."""
    import tensorflow as tf

    try:
        want: Any = graph(tf.constant(list(files), tf.string)).numpy()
    except tf.errors.InvalidArgumentError:
        want = "error"
    try:
        (got,) = step.run({"image_bytes": as_array(*files)}, {}).values()
    except InvalidArgument:
        got = "error"
    return want, got


@functools.cache
def exact_graph(channels: int, make_grey: bool) -> Any:
    import tensorflow as tf
    from keras_gallery.serving.signatures.image_files import decode_images

    files = [tf.TensorSpec((None,), tf.string)]
    return tf.function(lambda x: decode_images(x, (*SIZE, channels), make_grey=make_grey), files)


@functools.cache
def prepared_graph(fit: str) -> Any:
    import tensorflow as tf
    from keras_gallery.preparation.images import prepare_images

    files = [tf.TensorSpec((None,), tf.string)]
    return tf.function(lambda x: prepare_images(x, Description(24, 32, 3, fit)), files)


def assert_equal(want: Any, got: Any, tolerance: float) -> None:
    if isinstance(want, str) or isinstance(got, str):
        assert str(want) == str(got)
        return
    assert want.dtype == got.dtype and want.shape == got.shape
    np.testing.assert_allclose(got, want, atol=tolerance, rtol=0)


@pytest.mark.models
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("channels", "make_grey"), [(1, False), (1, True), (3, False)])
def test_image_files(name: str, channels: int, make_grey: bool) -> None:
    step = ImageFiles("image_bytes", "image", "float32", *SIZE, channels, make_grey, "0..1")
    want, got = both(exact_graph(channels, make_grey), step, ALL[name])
    assert_equal(want, got, 1e-6)


@pytest.mark.models
@pytest.mark.parametrize("pixels", ["0..255", "0..1", "-1..1"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_range_and_type(pixels: str, dtype: str) -> None:
    import tensorflow as tf
    from keras_gallery.serving.signatures.image_files import decode_images

    if dtype == "uint8" and pixels != "0..255":
        return
    step = ImageFiles("image_bytes", "image", dtype, *SIZE, 3, False, pixels)
    graph = tf.function(lambda files: decode_images(files, (*SIZE, 3), pixels=pixels, dtype=dtype))
    assert_equal(*both(graph, step, FILES["RGB"], FILES["palette"]), 1e-6)


@pytest.mark.models
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_prepared_pictures(name: str, fit: str) -> None:
    step = Pictures.of("image_bytes", "image", "float32", Description(24, 32, 3, fit))
    assert_equal(*both(prepared_graph(fit), step, ALL[name]), 1e-6 if "JPEG" in name else 1e-4)


def test_a_batch_and_an_empty_batch() -> None:
    step = ImageFiles("image_bytes", "image", "float32", *SIZE, 3, False, "0..1")
    images = step.run({"image_bytes": as_array(FILES["RGB"], FILES["palette"])}, {})["image"]
    np.testing.assert_array_equal(images[0], np.asarray(photograph(), np.float32) / np.float32(255))
    assert step.run({"image_bytes": as_array()}, {})["image"].shape == (0, *SIZE, 3)


def test_json() -> None:
    for step in (
        ImageFiles("image_bytes", "image", "float32", *SIZE, 3, False, "0..1"),
        Pictures.of("image_bytes", "image", "uint8", Description(24, 32, 1, "pad", "0..255")),
    ):
        content = Fields(step.to_json(), "a step")
        assert read_step(content) == step
        content.check_all_known()


def test_large_pictures_do_not_run_on_the_event_loop() -> None:
    step = Pictures.of("image_bytes", "image", "float32", Description(24, 32, 3))
    small, large = encoded(photograph(28, 28), "PNG"), encoded(Image.new("1", (2000, 2000)), "PNG")
    assert len(large) < QUICK_BYTES
    assert not step.may_block({"image_bytes": as_array(small)})
    assert step.may_block({"image_bytes": as_array(small, large)})


def test_a_picture_that_takes_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_gallery.serving import limits

    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    monkeypatch.setattr(limits, "share_of_memory", lambda processes: 1 << 20)
    step = Pictures.of("image_bytes", "image", "float32", Description(24, 32, 3))
    with pytest.raises(ServingError, match="Send a smaller picture"):
        step.run({"image_bytes": as_array(file.getvalue())}, {})


def test_the_message_says_which_picture_is_damaged() -> None:
    files = as_array(FILES["RGB"], FILES["RGB"][:400])
    for step in (
        ImageFiles("image_bytes", "image", "float32", *SIZE, 3, False, "0..1"),
        Pictures.of("image_bytes", "image", "float32", Description(24, 32, 3)),
    ):
        with pytest.raises(InvalidArgument, match=r"^Cannot decode picture 1 of image_bytes: .+\.$"):
            step.run({"image_bytes": files}, {})


def test_many_small_files_do_not_become_images_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_gallery.serving import limits

    monkeypatch.setattr(limits, "share_of_memory", lambda processes: 1 << 20)
    step = Pictures.of("image_bytes", "image", "float32", Description(224, 224, 3))  # 588 KiB for each image
    small = encoded(photograph(1, 1), "PNG")
    assert step.may_block({"image_bytes": as_array(small)})
    assert step.run({"image_bytes": as_array(small)}, {})["image"].shape == (1, 224, 224, 3)
    with pytest.raises(ServingError, match=r"^The images of input image_bytes take 1 MiB of memory \(maximum 1\)\."):
        step.run({"image_bytes": as_array(small, small)}, {})
