"""Reads the orientation of picture files (EXIF) inside a TensorFlow graph, and turns images upright.

Cameras store a picture as the sensor saw it, and say in the EXIF data how to turn it. TensorFlow's decoders ignore
this. EXIF data are a TIFF file: a header with the byte order, and a list of entries of 12 bytes. `exif.py` does the
same without TensorFlow.

- A JPEG file is a list of segments: 0xFF, the type, a length of two bytes, and the content. More bytes of 0xFF can be
  before a type. The segment APP1 has the EXIF data.
- A PNG file is a list of chunks: a length of four bytes, the type, the content, and a checksum. The type is `eXIf`.
- A WebP file is a list of chunks: the type, a length of four bytes, and the content. The type is `EXIF`.
"""

from __future__ import annotations

from typing import Any

from .exif import (
    APP1,
    ENTRY,
    EXIF,
    LONG,
    MAX_ENTRIES,
    MAX_FILL,
    MAX_SEGMENTS,
    ORIENTATION_TAG,
    SHORT,
    START_OF_SCAN,
    WITHOUT_LENGTH,
)

HEADER = 4 + len(EXIF)  # bytes of a segment up to the end of `EXIF`
CHUNK_HEADER = 8  # bytes of a chunk before its content
LITTLE_ENDIAN = 0x49  # "I"


def orientation(data: Any) -> Any:
    """Returns the orientation (int32, 1 to 8) of a JPEG file. It is 1, upright, if the file does not say it.

    Args:
        data: the bytes of the file, uint8 (n,).
    """
    import tensorflow as tf

    size = tf.size(data)

    def step(at: Any, _: Any, found: Any) -> tuple[Any, Any, Any]:
        window = tf.concat([data[at : at + MAX_FILL], [0]], 0)
        at = at + tf.maximum(tf.argmax(window != 0xFF, output_type=tf.int32) - 1, 0)
        head = _slice(data, at, HEADER)
        is_segment = tf.logical_and(at + 4 <= size, tf.logical_and(head[0] == 0xFF, head[1] != START_OF_SCAN))
        found = tf.logical_and(is_segment, tf.logical_and(head[1] == APP1, tf.reduce_all(head[4:] == list(EXIF))))
        length = tf.where(tf.reduce_any(head[1] == WITHOUT_LENGTH), 0, head[2] * 256 + head[3])
        following = tf.where(head[1] == 0xFF, at + 1, at + 2 + length)
        return tf.where(found, at, following), tf.logical_and(is_segment, tf.logical_not(found)), found

    at, _, found = _steps(step, 2)
    return tf.cond(found, lambda: _of_tiff(data[at + HEADER : at + 2 + _number(_slice(data, at + 2, 2))]), _upright)


def orientation_of_chunks(data: Any, is_png: Any) -> Any:
    """Returns the orientation (int32, 1 to 8) of a PNG or a WebP file. It is 1, upright, if the file does not say it.

    Args:
        data: the bytes of the file, uint8 (n,).
        is_png: whether the file is a PNG file. Only chunks before its pixels are read.
    """
    import tensorflow as tf

    size = tf.size(data)

    def head(at: Any) -> tuple[Any, Any]:
        """Returns the type and the length of a chunk. Lengths beyond the end of the file are its size."""
        head = _slice(data, at, CHUNK_HEADER)
        length = tf.where(is_png, _number(head[:4]), _number(head[7:3:-1]))
        return tf.where(is_png, head[4:], head[:4]), tf.where(length < 0, size, tf.minimum(length, size))

    def step(at: Any, _: Any, found: Any) -> tuple[Any, Any, Any]:
        name, length = head(at)
        is_chunk = tf.logical_and(at + CHUNK_HEADER <= size, tf.reduce_any(name != list(b"IDAT")))
        found = tf.logical_and(is_chunk, tf.reduce_all(name == tf.where(is_png, list(b"eXIf"), list(b"EXIF"))))
        following = at + CHUNK_HEADER + length + tf.where(is_png, 4, length % 2)
        return tf.where(found, at, following), tf.logical_and(is_chunk, tf.logical_not(found)), found

    at, _, found = _steps(step, tf.where(is_png, 8, 12))

    def read() -> Any:
        tiff = data[at + CHUNK_HEADER : at + CHUNK_HEADER + head(at)[1]]
        has_prefix = tf.reduce_all(_slice(tiff, 0, len(EXIF)) == list(EXIF))
        return _of_tiff(tf.cond(has_prefix, lambda: tiff[len(EXIF) :], lambda: tiff))

    return tf.cond(found, read, _upright)


def _steps(step: Any, start: Any) -> Any:
    """Calls `step` with a position, whether there is more, and whether the EXIF data are found."""
    import tensorflow as tf

    first = (tf.constant(start) if isinstance(start, int) else start, tf.constant(True), tf.constant(False))
    return tf.while_loop(lambda at, has_more, found: has_more, step, first, maximum_iterations=MAX_SEGMENTS)


def _upright() -> Any:
    import tensorflow as tf

    return tf.constant(1)


def _slice(data: Any, at: Any, count: int) -> Any:
    """Returns bytes of a file as int32 (count,). Bytes beyond its end are 0xFF."""
    import tensorflow as tf

    found = tf.pad(tf.cast(data[at : at + count], tf.int32), [[0, count]], constant_values=0xFF)
    return tf.ensure_shape(found[:count], (count,))


def _number(values: Any) -> Any:
    """Returns the numbers in bytes (…, n), the highest byte first. Large numbers of four bytes become negative."""
    import tensorflow as tf

    count = values.shape[-1]
    return tf.reduce_sum(tf.cast(values, tf.int32) * [256 ** (count - 1 - place) for place in range(count)], -1)


def _of_tiff(data: Any) -> Any:
    """Returns the orientation in EXIF data, uint8 (n,). Values beyond their end are zeros."""
    import tensorflow as tf

    size = tf.size(data)
    tiff = tf.pad(tf.cast(data, tf.int32), [[0, ENTRY]])
    is_little = tiff[0] == LITTLE_ENDIAN

    def number(values: Any) -> Any:
        return _number(tf.where(is_little, tf.reverse(values, [-1]), values))

    first = number(tf.ensure_shape(tiff[4:8], (4,)))
    first = tf.where(first < 0, size, tf.minimum(first, size))
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
