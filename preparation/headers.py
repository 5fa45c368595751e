"""Reads the sizes of pictures from the headers of their files inside a TensorFlow graph, before they are decoded.

A small file can decode to a huge image, so the size in the header is checked first.
"""

from __future__ import annotations

from typing import Any

# The formats that Pillow may read. Of other formats, some are decoded by other programs: EPS starts Ghostscript.
PILLOW_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "TIFF", "WEBP")
MAX_PIXELS = 1 << 26  # of a picture: 67 megapixels
MAX_BATCH_PIXELS = 1 << 29  # of all pictures in a request
MAX_BYTES = 1 << 26  # of a file
BYTES_PER_PIXEL = 8  # 16 bits for each of four channels, without compression
MAX_EXTRA_BYTES = 1 << 18  # of a file, for metadata
MAX_SCANS = 100  # of a JPEG file. Decoding takes time for each scan, and a scan can be a few bytes long.
HEADER = 34  # bytes that are read of a file in another format than JPEG
REMEDY = "Save the picture as a PNG file."

OTHER, JPEG, PNG, BMP, WEBP = range(5)


def check_files(files: Any) -> Any:
    """Returns the format of each file: `JPEG`, `PNG`, `BMP` or `WEBP`. The graph fails if a file may not be decoded.

    Args:
        files: the contents of the files, string (batch,).

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, if a file is in another format, has too many pixels or
            bytes, or if all pictures together have too many pixels.
    """
    import tensorflow as tf

    first = tf.strings.join([tf.strings.substr(files, 0, HEADER), bytes(HEADER)])  # so that short files are long enough
    heads = tf.io.decode_raw(tf.strings.substr(first, 0, HEADER), tf.uint8)
    heads = tf.cast(tf.ensure_shape(heads, (None, HEADER)), tf.int32)
    lengths = tf.strings.length(files)
    kinds = _kinds(heads, lengths)
    message = "Expected a PNG, JPEG, BMP or WebP file. Received: another or a damaged file of this length:"
    checks = [
        _check(kinds != OTHER, message, lengths),
        _check(
            _is_plain_bmp(heads) | (kinds != BMP), f"Expected a BMP file of 24 or 32 bits without compression. {REMEDY}"
        ),
        _check(
            ~_is_animated(heads) | (kinds != WEBP),
            f"Expected a WebP file of one picture. Received: an animation. {REMEDY}",
        ),
    ]
    with tf.control_dependencies(checks):
        sizes = tf.cast(_sizes(files, heads, kinds), tf.int64)
    pixels = sizes[:, 0] * sizes[:, 1]
    is_right = (sizes[:, 0] > 0) & (sizes[:, 1] > 0) & (pixels <= MAX_PIXELS)
    with tf.control_dependencies(
        [_check(is_right, f"Expected a picture of at most {MAX_PIXELS} pixels. Received (height, width):", sizes)]
    ):
        most = tf.minimum(tf.cast(pixels, tf.int32) * BYTES_PER_PIXEL + MAX_EXTRA_BYTES, MAX_BYTES)
    total = tf.reduce_sum(pixels)
    checks = [
        _check(
            lengths <= most,
            "Expected a file of at most this number of bytes for the size of its picture. Then the received number:",
            tf.stack([most, lengths], 1),
        ),
        tf.debugging.Assert(
            total <= MAX_BATCH_PIXELS,
            [f"Expected at most {MAX_BATCH_PIXELS} pixels in all pictures of a request. Received:", total],
        ),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(kinds)


def check_scans(data: Any) -> Any:
    """Returns an operation that fails if a JPEG file has too many scans. `data`: its bytes, uint8 (n,)."""
    import tensorflow as tf

    scans = tf.math.count_nonzero(tf.logical_and(data[:-1] == 0xFF, data[1:] == 0xDA))
    return tf.debugging.Assert(scans <= MAX_SCANS, [f"Expected a JPEG file of at most {MAX_SCANS} scans. {REMEDY}"])


def _check(is_right: Any, message: str, received: Any = None) -> Any:
    """Returns an operation that fails if `is_right` (batch,) is false for a file. `received`: a value of each file."""
    import tensorflow as tf

    wrong = [] if received is None else [tf.boolean_mask(received, ~is_right)[:1]]
    return tf.debugging.Assert(tf.reduce_all(is_right), [message, *wrong])


def _kinds(heads: Any, lengths: Any) -> Any:
    import tensorflow as tf

    def starts(text: bytes, at: int = 0) -> Any:
        return tf.reduce_all(heads[:, at : at + len(text)] == list(text), 1)

    kinds = tf.where(starts(b"RIFF") & starts(b"WEBP", 8), WEBP, OTHER)
    kinds = tf.where(starts(b"BM"), BMP, kinds)
    kinds = tf.where(starts(b"\x89PNG\r\n\x1a\n"), PNG, kinds)
    kinds = tf.where(lengths >= HEADER, kinds, OTHER)
    return tf.where(starts(b"\xff\xd8\xff"), JPEG, kinds)


def _is_plain_bmp(heads: Any) -> Any:
    bits = _little(heads[:, 28:30])
    return ((bits == 24) | (bits == 32)) & (_little(heads[:, 30:34]) == 0)


def _is_animated(heads: Any) -> Any:
    return (heads[:, 15] == ord("X")) & (heads[:, 20] & 2 != 0)


def _sizes(files: Any, heads: Any, kinds: Any) -> Any:
    """Returns (batch, 2): the height and the width in the header of each file."""
    import tensorflow as tf

    png = tf.stack([_little(heads[:, 23:19:-1]), _little(heads[:, 19:15:-1])], 1)
    bmp = tf.stack([tf.abs(_little(heads[:, 22:26])), _little(heads[:, 18:22])], 1)
    by_kind = {PNG: png, BMP: bmp, WEBP: _webp_sizes(heads)}
    sizes = tf.zeros_like(png)
    for kind, found in by_kind.items():
        sizes = tf.where((kinds == kind)[:, tf.newaxis], found, sizes)
    is_jpeg = kinds == JPEG
    found = tf.map_fn(
        lambda file: tf.image.extract_jpeg_shape(file)[:2],
        tf.boolean_mask(files, is_jpeg),
        fn_output_signature=tf.TensorSpec((2,), tf.int32),
    )
    places = tf.cumsum(tf.cast(is_jpeg, tf.int32), exclusive=True)
    jpeg = tf.gather(tf.concat([found, [[0, 0]]], 0), places)  # a row for each file, valid for JPEG files
    return tf.where(is_jpeg[:, tf.newaxis], jpeg, sizes)


def _webp_sizes(heads: Any) -> Any:
    """Returns the sizes in the first chunks: `VP8 ` (lossy), `VP8L` (lossless) or `VP8X` (with further chunks)."""
    import tensorflow as tf

    kinds = heads[:, 15:16]
    bits = _little(heads[:, 21:25])
    lossless = tf.stack([(bits // (1 << 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1], 1)
    extended = tf.stack([_little(heads[:, 27:30]) + 1, _little(heads[:, 24:27]) + 1], 1)
    lossy = tf.stack([_little(heads[:, 28:30]) & 0x3FFF, _little(heads[:, 26:28]) & 0x3FFF], 1)
    return tf.where(kinds == ord("X"), extended, tf.where(kinds == ord("L"), lossless, lossy))


def _little(values: Any) -> Any:
    """Returns the numbers in bytes (batch, n), the lowest byte first."""
    import tensorflow as tf

    return tf.reduce_sum(values * tf.constant([1 << 8 * place for place in range(values.shape[1])], tf.int32), 1)
