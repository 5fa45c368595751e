"""Signatures for image files, which are decoded inside the exported graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from ...preparation.description import Pictures
from ...preparation.images import GREY, prepare_images
from ...preparation.notes import Noted
from ..steps import pictures as steps
from .base import Arrays, Data, Endpoint, Part, joined

PNG_HEADER = 24  # bytes of a PNG file up to the end of its width and height


def image_file_endpoints(
    data: Data, endpoints: dict[str, Endpoint], names: Iterable[str], *, make_grey: bool = False
) -> dict[str, Endpoint]:
    """Returns endpoints that take image files instead of arrays, such as `encode_png` for `encode`.

    With a preparation, the files are pictures of any size, and are prepared as in training. Without a preparation,
    they are PNG or JPEG files of the size and kind of the model's images.

    Returns an empty dict if the input is not an image of fixed size with one or three channels, or if the range of
    the pixel values is not known.

    Args:
        data: the model's input.
        endpoints: endpoints on arrays.
        names: names of the endpoints to convert. Names that are not in `endpoints` are ignored.
        make_grey: whether to convert colour files to grey.
    """
    if data.pixels is None:
        return {}
    height, width, channels = data.shape
    known = data.preparation if isinstance(data.preparation, Pictures) else None
    if known is not None:
        height, width = known.height, known.width
    if height is None or width is None or channels is None:
        return {}
    pixels, dtype = data.pixels, data.dtype
    shape = (height, width, channels)
    pictures = known and replace(known, channels=channels, pixels=pixels)
    inputs = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
    rng = np.random.default_rng(0)

    def example(batch: int) -> Arrays:
        images = rng.integers(0, 256, (batch, *shape), np.uint8)
        return {"image_bytes": np.array([tf.io.encode_png(image).numpy() for image in images], object)}

    if pictures:  # one graph for all signatures
        prepare = tf.function(lambda files: prepare_images(files, pictures, dtype=dtype), autograph=False)

    def images(files: Any) -> Any:
        if pictures:
            return prepare.get_concrete_function(inputs[0])(files)
        return decode_images(files, shape, make_grey=make_grey, pixels=pixels, dtype=dtype)

    step = (
        partial(steps.Pictures.of, "image_bytes", data.kind, dtype, pictures)
        if pictures
        else partial(steps.ImageFiles, "image_bytes", data.kind, dtype, *shape, make_grey, pixels)
    )
    decode = Part(lambda files: {data.kind: images(files)}, ("image_bytes",), step)
    notes: dict[str, Noted] = {"image_bytes": replace(pictures, threshold=None)} if pictures else {}
    return {
        f"{name}_png": joined(
            (decode, *endpoints[name].parts),
            inputs,
            example,
            pixels=pixels,
            notes=notes,
            output_notes=endpoints[name].output_notes,
        )
        for name in names
        if name in endpoints
    }


def decode_images(
    files: Any, shape: tuple[int, int, int], *, make_grey: bool = False, pixels: str = "0..1", dtype: str = "float32"
) -> Any:
    """Decodes PNG or JPEG files (batch,) to images (batch, height, width, channels).

    The size in the file's header is checked before decoding, so that a small file can't decode to a huge image. The
    length of the file is checked, too: decoding a PNG also unpacks its texts, which can be a thousand times as long.

    Args:
        files: string tensor with the content of the files.
        shape: expected (height, width, channels).
        make_grey: whether to accept colour files for grey images, and convert them with 0.299 red + 0.587 green +
            0.114 blue.
        pixels: range of the pixel values: "0..1", "0..255" or "-1..1".
        dtype: the type of the images.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, if a file is not a PNG or JPEG of this size and number of
            channels, or if the file is longer than such a picture needs: 8 bytes for each pixel, and 32 KiB.
    """
    max_bytes = 8 * shape[0] * shape[1] + steps.MAX_EXTRA_BYTES  # 16 bits for each of four channels, uncompressed
    allowed = (shape[2], 3) if make_grey else (shape[2],)

    def one(file: Any) -> Any:
        is_jpeg = tf.equal(tf.strings.substr(file, 0, 3), b"\xff\xd8\xff")
        is_png = tf.equal(tf.strings.substr(file, 0, 8), b"\x89PNG\r\n\x1a\n")
        is_whole = tf.logical_or(is_jpeg, tf.logical_and(is_png, tf.strings.length(file) >= PNG_HEADER))
        kind_message = "Expected a PNG or JPEG file. Received: another or a damaged file of this length:"
        with tf.control_dependencies([tf.debugging.Assert(is_whole, [kind_message, tf.strings.length(file)])]):
            size = tf.cond(is_jpeg, lambda: tf.image.extract_jpeg_shape(file)[:2], lambda: _png_size(file))
        size_message = f"Expected a picture of {shape[0]}x{shape[1]} pixels (height x width). Received:"
        length = tf.strings.length(file)
        length_message = f"Expected a picture of at most {max_bytes} bytes. Received:"
        checks = [
            tf.debugging.Assert(tf.reduce_all(size == shape[:2]), [size_message, size]),
            tf.debugging.Assert(length <= max_bytes, [length_message, length]),
        ]
        with tf.control_dependencies(checks):
            decoded = tf.cond(
                is_jpeg,
                lambda: tf.io.decode_jpeg(file, dct_method="INTEGER_ACCURATE"),  # as Pillow
                lambda: tf.io.decode_image(file, expand_animations=False),
            )
        channels = tf.shape(decoded)[-1]
        message = f"Expected a picture of {' or '.join(map(str, allowed))} channel(s). Received:"
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_any(channels == allowed), [message, channels])]):
            image = tf.cast(decoded, tf.float32)
        if pixels != "0..255":
            image = image / 255.0
        if make_grey:  # clipped, because the sum of the weights rounds to slightly more than 1
            most = 255.0 if pixels == "0..255" else 1.0
            image = tf.cond(channels == 3, lambda: tf.minimum(image @ GREY, most), lambda: image)
        if pixels == "-1..1":
            image = image * 2.0 - 1.0
        return tf.cast(tf.reshape(image, shape), dtype)

    return tf.map_fn(one, files, fn_output_signature=tf.TensorSpec(shape, dtype))


def _png_size(file: Any) -> Any:
    """Reads (height, width) from the header of a PNG file."""
    width_height = tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False)
    return tf.reverse(width_height, [0])
