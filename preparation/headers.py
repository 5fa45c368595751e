"""Reads the size of a picture from the header of its file inside a TensorFlow graph, before the picture is decoded.

A small file can decode to a huge image, so the size in the header is checked first.
"""

from __future__ import annotations

from typing import Any

MAX_PIXELS = 1 << 26  # of a picture: 67 megapixels
MAX_BYTES = 1 << 26  # of a file
BYTES_PER_PIXEL = 8  # 16 bits for each of four channels, without compression
MAX_EXTRA_BYTES = 1 << 18  # of a file, for metadata
MAX_SCANS = 100  # of a JPEG file. Decoding takes time for each scan, and a scan can be a few bytes long.
HEADER = 34  # bytes that are read of a file in another format than JPEG
REMEDY = "Save the picture as a PNG file."

OTHER, JPEG, PNG, BMP, WEBP = range(5)


def kind_of(file: Any) -> Any:
    """Returns the format of a file: `JPEG`, `PNG`, `BMP` or `WEBP`. The graph fails for other files."""
    import tensorflow as tf

    def starts(text: bytes, at: int = 0) -> Any:
        return tf.equal(tf.strings.substr(file, at, len(text)), text)

    length = tf.strings.length(file)
    is_long = length >= HEADER
    padded = tf.strings.join([file, bytes(12)])  # so that `substr` does not fail
    is_webp = tf.logical_and(starts(b"RIFF"), tf.equal(tf.strings.substr(padded, 8, 4), b"WEBP"))
    kind = tf.where(starts(b"\x89PNG\r\n\x1a\n"), PNG, tf.where(starts(b"BM"), BMP, tf.where(is_webp, WEBP, OTHER)))
    kind = tf.where(starts(b"\xff\xd8\xff"), JPEG, tf.where(is_long, kind, OTHER))
    message = "Expected a PNG, JPEG, BMP or WebP file. Received: another or a damaged file of this length:"
    with tf.control_dependencies([tf.debugging.Assert(kind != OTHER, [message, length])]):
        return tf.identity(kind)


def size_of(file: Any, kind: Any) -> Any:
    """Returns (height, width) of the picture in a file. The graph fails if the file may not be decoded."""
    import tensorflow as tf

    def head() -> Any:
        first = tf.io.decode_raw(tf.strings.substr(file, 0, HEADER), tf.uint8)
        return tf.cast(tf.ensure_shape(first, (HEADER,)), tf.int32)

    size = tf.switch_case(
        kind - JPEG,
        [
            lambda: tf.image.extract_jpeg_shape(file)[:2],
            lambda: tf.stack([_big(head()[20:24]), _big(head()[16:20])]),
            lambda: _bmp_size(head()),
            lambda: _webp_size(head()),
        ],
    )
    height, width = tf.unstack(tf.cast(tf.ensure_shape(size, (2,)), tf.int64))
    pixels, length = height * width, tf.strings.length(file)
    most = tf.minimum(tf.cast(pixels * BYTES_PER_PIXEL, tf.int32) + MAX_EXTRA_BYTES, MAX_BYTES)
    is_right = tf.reduce_all([height > 0, width > 0, pixels <= MAX_PIXELS])
    size_message = f"Expected a picture of at most {MAX_PIXELS} pixels. Received (height, width):"
    with tf.control_dependencies([tf.debugging.Assert(is_right, [size_message, size])]):
        length_message = "Expected a file of at most this number of bytes for the size of its picture:"
        check = tf.debugging.Assert(length <= most, [length_message, most, "Received:", length])
    with tf.control_dependencies([check]):
        return tf.identity(size)


def check_scans(data: Any) -> Any:
    """Returns an operation that fails if a JPEG file has too many scans. `data`: its bytes, uint8 (n,)."""
    import tensorflow as tf

    scans = tf.math.count_nonzero(tf.logical_and(data[:-1] == 0xFF, data[1:] == 0xDA))
    return tf.debugging.Assert(scans <= MAX_SCANS, [f"Expected a JPEG file of at most {MAX_SCANS} scans. {REMEDY}"])


def _bmp_size(head: Any) -> Any:
    import tensorflow as tf

    bits, compression = _little(head[28:30]), _little(head[30:34])
    is_right = tf.logical_and(tf.logical_or(bits == 24, bits == 32), compression == 0)
    message = f"Expected a BMP file of 24 or 32 bits without compression. {REMEDY}"
    with tf.control_dependencies([tf.debugging.Assert(is_right, [message])]):
        return tf.stack([tf.abs(_little(head[22:26])), _little(head[18:22])])


def _webp_size(head: Any) -> Any:
    """Returns the size in the first chunk: `VP8 ` (lossy), `VP8L` (lossless) or `VP8X` (with further chunks)."""
    import tensorflow as tf

    is_extended, is_lossless = head[15] == ord("X"), head[15] == ord("L")
    is_animated = tf.logical_and(is_extended, head[20] & 2 != 0)
    bits = _little(head[21:25])
    lossless = tf.stack([(bits // (1 << 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1])
    extended = tf.stack([_little(head[27:30]) + 1, _little(head[24:27]) + 1])
    lossy = tf.stack([_little(head[28:30]) & 0x3FFF, _little(head[26:28]) & 0x3FFF])
    message = f"Expected a WebP file of one picture. Received: an animation. {REMEDY}"
    with tf.control_dependencies([tf.debugging.Assert(tf.logical_not(is_animated), [message])]):
        return tf.where(is_extended, extended, tf.where(is_lossless, lossless, lossy))


def _little(values: Any) -> Any:
    """Returns the number in bytes (n,), the lowest byte first."""
    return _big(values[::-1])


def _big(values: Any) -> Any:
    """Returns the number in bytes (n,), the highest byte first."""
    import tensorflow as tf

    count = values.shape[0]
    return tf.reduce_sum(values * tf.constant([1 << (8 * (count - 1 - place)) for place in range(count)], tf.int32))
