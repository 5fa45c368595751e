"""Converts picture files to the images that a model expects, inside a TensorFlow graph.

Training and the exported signatures call the same function, so that a served model sees the images it was trained on.
`pillow_images.py` does the same without TensorFlow.
"""

from __future__ import annotations

from typing import Any

from . import headers
from .description import Pictures
from .orientation import orientation, orientation_of_chunks, upright

GREY = ((0.299,), (0.587,), (0.114,))  # weights of red, green and blue (ITU-R BT.601)


def prepare_images(files: Any, pictures: Pictures, *, dtype: str = "float32") -> Any:
    """Converts picture files (batch,) to images (batch, height, width, channels). See `prepare_image`.

    All pictures together may have at most `headers.MAX_BATCH_PIXELS` pixels.
    """
    import tensorflow as tf

    shape = (pictures.height, pictures.width, pictures.channels)
    unchanged = tf.autograph.experimental.do_not_convert
    return tf.map_fn(
        unchanged(lambda each: _prepared(each[0], each[1], pictures, dtype)),
        (files, unchanged(headers.check_files)(files)),
        fn_output_signature=tf.TensorSpec(shape, dtype),
        parallel_iterations=1,  # each picture can take 1 GB of memory
    )


def prepare_image(file: Any, pictures: Pictures, *, dtype: str = "float32") -> Any:
    """Converts a picture file to an image (height, width, channels).

    1. Decodes a PNG, JPEG, WebP (of one picture) or BMP file (of 24 or 32 bits). 16-bit values become 8-bit values.
       JPEG, PNG and WebP files are turned upright, as their EXIF data say.
    2. Puts a picture with transparency on white.
    3. Scales the picture to the size of the image: bilinear, and averaged when it becomes smaller. If it has another
       aspect ratio, either the middle of the picture is cut first (`crop`), or black edges are added (`pad`).
    4. Converts colours to grey, with 0.299 red + 0.587 green + 0.114 blue, or grey to three equal channels.
    5. Converts 0 to 255 to the range of the pixel values.

    Args:
        file: string tensor () with the content of the file.
        pictures: the size and the kind of the images.
        dtype: the type of the images. For integers, the values are rounded.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, if the file is damaged or of another format, if the picture
            has more than `headers.MAX_PIXELS` pixels, or if the file is much longer than such a picture needs.
    """
    import tensorflow as tf

    unchanged = tf.autograph.experimental.do_not_convert
    (kind,) = tf.unstack(unchanged(headers.check_files)(tf.reshape(file, (1,))))
    return unchanged(_prepared)(file, kind, pictures, dtype)


def _prepared(file: Any, kind: Any, pictures: Pictures, dtype: str) -> Any:
    import tensorflow as tf

    with tf.control_dependencies([kind]):  # the header is checked
        image = tf.cast(_decode(file, kind), tf.uint8)
    image = _cut(image, pictures) if pictures.fit == "crop" else image
    channels = tf.shape(image)[-1]
    has_alpha = tf.logical_or(channels == 2, channels == 4)
    image = tf.cond(has_alpha, lambda: _scaled_on_white(image, pictures), lambda: _scaled(image, pictures))
    image = tf.clip_by_value(image, 0.0, 255.0)  # sums of weights can be slightly more than 1
    if pictures.channels == 1:
        image = tf.cond(tf.shape(image)[-1] == 3, lambda: tf.minimum(image @ GREY, 255.0), lambda: image)
    else:
        image = tf.broadcast_to(image, (*tf.unstack(tf.shape(image)[:2]), 3))
    if pictures.fit == "pad":
        image = _padded(image, pictures)
    if pictures.pixels != "0..255":
        image = image / 255.0
    if pictures.pixels == "-1..1":
        image = image * 2.0 - 1.0
    if tf.as_dtype(dtype).is_integer:
        image = tf.round(image)
    return tf.cast(tf.reshape(image, (pictures.height, pictures.width, pictures.channels)), dtype)


def _decode(file: Any, kind: Any) -> Any:
    """Decodes a file of this kind to an image (height, width, 1 to 4 channels), uint8."""
    import tensorflow as tf

    def jpeg() -> Any:
        data = tf.io.decode_raw(file, tf.uint8)
        with tf.control_dependencies([headers.check_scans(data)]):
            decoded = tf.io.decode_jpeg(file, dct_method="INTEGER_ACCURATE")
        return upright(decoded, orientation(data))

    def other() -> Any:
        decoded = tf.io.decode_image(file, expand_animations=False)
        decoded = tf.cond(kind == headers.BMP, lambda: decoded[..., :3], lambda: decoded)  # without the unused byte
        decoded.set_shape((None, None, None))

        def turned() -> Any:
            return upright(decoded, orientation_of_chunks(tf.io.decode_raw(file, tf.uint8), kind == headers.PNG))

        return tf.cond(kind == headers.BMP, lambda: decoded, turned)

    image = tf.cond(kind == headers.JPEG, jpeg, other)
    image.set_shape((None, None, None))
    return image


def _cut(image: Any, pictures: Pictures) -> Any:
    """Returns the largest part in the middle of an image that has the wanted aspect ratio."""
    import tensorflow as tf

    height, width = tf.unstack(tf.shape(image, tf.int64)[:2])
    rows = tf.clip_by_value(width * pictures.height // pictures.width, 1, height)
    columns = tf.clip_by_value(height * pictures.width // pictures.height, 1, width)
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]


def _scaled(image: Any, pictures: Pictures) -> Any:
    """Scales an image to the wanted size, or to the largest size that is not larger on either side. Returns float32."""
    import tensorflow as tf

    size, wanted = tf.shape(image)[:2], tf.constant([pictures.height, pictures.width])
    if pictures.fit == "pad":
        scale = tf.reduce_min(tf.cast(wanted, tf.float64) / tf.cast(size, tf.float64))
        wanted = tf.clip_by_value(tf.cast(tf.round(tf.cast(size, tf.float64) * scale), tf.int32), 1, wanted)
    return tf.cond(
        tf.reduce_all(size == wanted),
        lambda: tf.cast(image, tf.float32),
        lambda: tf.cast(tf.image.resize(image, wanted, "bilinear", antialias=True), tf.float32),
    )


def _scaled_on_white(image: Any, pictures: Pictures) -> Any:
    """Scales an image whose last channel is the opacity, and puts it on white."""
    import tensorflow as tf

    colours = tf.cast(image[..., :-1], tf.uint16) * tf.cast(image[..., -1:], tf.uint16)  # at most 255²
    return _scaled(colours, pictures) / 255.0 + (255.0 - _scaled(image[..., -1:], pictures))


def _padded(image: Any, pictures: Pictures) -> Any:
    """Adds black edges to an image, the same on opposite sides."""
    import tensorflow as tf

    missing = tf.stack([pictures.height, pictures.width]) - tf.shape(image)[:2]
    before = missing // 2
    return tf.pad(image, tf.concat([tf.stack([before, missing - before], 1), [[0, 0]]], 0))
