"""Reads the orientation of JPEG files (EXIF) inside a TensorFlow graph, and turns images upright.

Cameras store a picture as the sensor saw it, and say in the EXIF data how to turn it. TensorFlow's decoders ignore
this. A JPEG file is a list of segments: 0xFF, the type, a length of two bytes, and the content. The segment APP1 with
the EXIF data contains a TIFF file: a header with the byte order, and a list of entries of 12 bytes.
"""

from __future__ import annotations

from typing import Any

APP1, START_OF_SCAN = 0xE1, 0xDA
EXIF = (0x45, 0x78, 0x69, 0x66, 0, 0)  # "Exif", and two zero bytes
HEADER = 10  # bytes of a segment up to the end of `EXIF`
LITTLE_ENDIAN = 0x49  # "I"
ORIENTATION_TAG, SHORT, LONG = 0x112, 3, 4
MAX_SEGMENTS, MAX_ENTRIES, ENTRY = 64, 512, 12


def orientation(data: Any) -> Any:
    """Returns the orientation (int32, 1 to 8) of a JPEG file. It is 1, upright, if the file does not say it.

    Args:
        data: the bytes of the file, uint8 (n,).
    """
    import tensorflow as tf

    size = tf.size(data)

    def step(at: Any, _: Any, found: Any) -> tuple[Any, Any, Any]:
        head = tf.cast(data[at : at + HEADER], tf.int32)
        is_segment = tf.logical_and(head[0] == 0xFF, head[1] != START_OF_SCAN)
        found = tf.logical_and(is_segment, tf.logical_and(head[1] == APP1, tf.reduce_all(head[4:] == EXIF)))
        following = at + 2 + head[2] * 256 + head[3]
        has_more = tf.logical_and(is_segment, following + HEADER <= size)
        return tf.where(found, at, following), tf.logical_and(has_more, tf.logical_not(found)), found

    at, _, found = tf.while_loop(
        lambda at, has_more, found: has_more,
        step,
        (tf.constant(2), size >= 2 + HEADER, tf.constant(False)),
        maximum_iterations=MAX_SEGMENTS,
    )
    return tf.cond(found, lambda: _of_segment(data, at), lambda: tf.constant(1))


def _of_segment(data: Any, at: Any) -> Any:
    """Returns the orientation in the segment that begins at `at`. Values beyond its end are zeros."""
    import tensorflow as tf

    end = at + 2 + tf.reduce_sum(tf.cast(data[at + 2 : at + 4], tf.int32) * [256, 1])
    tiff = tf.cast(data[at + HEADER : end], tf.int32)
    size = tf.size(tiff)
    tiff = tf.pad(tiff, [[0, ENTRY]])
    is_little = tiff[0] == LITTLE_ENDIAN

    def number(values: Any) -> Any:
        """Returns the numbers in bytes (…, n)."""
        values = tf.where(is_little, tf.reverse(values, [-1]), values)
        count = values.shape[-1]
        return tf.reduce_sum(values * [256 ** (count - 1 - place) for place in range(count)], -1)

    first = tf.clip_by_value(number(tf.ensure_shape(tiff[4:8], (4,))), 0, size)  # large values are negative here
    count = tf.minimum(number(tf.ensure_shape(tiff[first : first + 2], (2,))), MAX_ENTRIES)
    starts = first + 2 + ENTRY * tf.range(tf.minimum(count, tf.maximum(size - first - 2, 0) // ENTRY))
    entries = tf.gather(tiff, starts[:, tf.newaxis] + tf.range(ENTRY))  # (entries, 12)
    kind = number(entries[:, 2:4])
    value = tf.where(kind == SHORT, number(entries[:, 8:10]), tf.where(kind == LONG, number(entries[:, 8:12]), 0))
    wanted = tf.boolean_mask(value, number(entries[:, :2]) == ORIENTATION_TAG)
    value = tf.concat([wanted, [1]], 0)[0]
    return tf.where(tf.logical_and(value >= 1, value <= 8), value, 1)


def upright(image: Any, orientation: Any) -> Any:
    """Turns an image (height, width, channels) with this orientation upright."""
    import tensorflow as tf

    def turned() -> Any:
        turned = tf.cond(orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
        axes = [tf.reduce_any(orientation == [3, 4, 7, 8]), tf.reduce_any(orientation == [2, 3, 6, 7])]
        return tf.raw_ops.Reverse(tensor=turned, dims=tf.stack([*axes, False]))

    return tf.cond(orientation == 1, lambda: image, turned)
