"""Compares prepared pictures with Pillow, for all kinds of files. Checks which files are refused."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation.description import Pictures

from .oracle import prepared
from .pictures import encoded, kinds, photograph, turned

SHAPES = [Pictures(16, 16, 3), Pictures(20, 31, 1, "pad", "-1..1")]
TOLERANCE = 1e-4  # of the range of the pixel values


def function(pictures: Pictures) -> Any:
    import tensorflow as tf
    from keras_gallery.preparation.images import prepare_images

    files = tf.TensorSpec((None,), tf.string)
    graph = tf.function(lambda x: prepare_images(x, pictures), input_signature=[files]).get_concrete_function()
    return lambda files: graph(tf.constant(files)).numpy()


@pytest.fixture(scope="module")
def prepare() -> Any:
    return function(SHAPES[0])


@pytest.mark.parametrize("pictures", SHAPES, ids=str)
def test_the_images_are_those_of_pillow(pictures: Pictures, prepare: Any) -> None:
    files = kinds() | {f"orientation {each}": turned(each) for each in range(1, 9)}
    files |= {f"orientation {each}, big-endian": turned(each, order=">") for each in (3, 8)}
    images = (prepare if pictures == SHAPES[0] else function(pictures))(list(files.values()))
    assert images.shape == (len(files), pictures.height, pictures.width, pictures.channels)
    least, most = map(float, pictures.pixels.split(".."))
    assert images.min() >= least and images.max() <= most
    for (name, file), image in zip(files.items(), images, strict=True):
        np.testing.assert_allclose(image, prepared(file, pictures), atol=TOLERANCE * (most - least), err_msg=name)


@pytest.mark.models
def test_8_bit_pixels_of_the_same_size_stay_as_they_are() -> None:
    from keras_gallery.preparation.images import prepare_image

    pictures, file = Pictures(37, 53, 3, "crop", "0..255"), encoded(photograph(), "PNG")
    image = prepare_image(file, pictures, dtype="uint8")
    assert image.dtype == "uint8"
    np.testing.assert_array_equal(image, np.asarray(photograph()))
    np.testing.assert_array_equal(image, prepared(file, pictures))


def test_the_orientations_differ(prepare: Any) -> None:
    images = prepare([turned(each) for each in range(1, 9)])
    assert len(np.unique(images.round(2), axis=0)) == 8


def with_segment(content: bytes, marker: int = 0xE1) -> bytes:
    """Returns a JPEG file whose first segment has this content."""
    file = encoded(photograph(), "JPEG", quality=95)
    return file[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + file[2:]


def tiff(*entries: bytes, at: int = 8, order: str = "<") -> bytes:
    """Returns the EXIF data of a JPEG file."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", at, len(entries)) + b"".join(entries)


def test_damaged_and_unusual_exif_data(prepare: Any) -> None:
    six = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)
    unusual = {
        "long": with_segment(tiff(struct.pack(">HHII", 0x112, 4, 1, 6), order=">")),
        "after a comment": with_segment(b"x", 0xFE)[:7] + with_segment(tiff(six))[2:],
        "second entry": with_segment(tiff(struct.pack("<HHII", 0x110, 4, 1, 3), six)),
    }
    wrong = {
        "other tag": tiff(struct.pack("<HHIHH", 0x113, 3, 1, 6, 0)),
        "text": tiff(struct.pack("<HHIHH", 0x112, 2, 1, 6, 0)),
        "nine": tiff(struct.pack("<HHIHH", 0x112, 3, 1, 9, 0)),
        "zero": tiff(struct.pack("<HHIHH", 0x112, 3, 1, 0, 0)),
        "truncated": tiff(six)[:-9],
        "count without entries": b"Exif\0\0II*\0" + struct.pack("<IH", 8, 65535),
        "offset beyond the end": tiff(six, at=5000),
        "negative offset": tiff(six, at=0xFFFFFFFF),
        "empty": b"Exif\0\0",
        "XMP": b"http://ns.adobe.com/xap/1.0/\0<x/>",
    }
    files = [*unusual.values(), *(with_segment(each) for each in wrong.values())]
    images = prepare(files)
    upright, right = prepare([encoded(photograph(), "JPEG", quality=95), turned(6)])
    for name, image in zip([*unusual, *wrong], images, strict=True):
        np.testing.assert_array_equal(image, right if name in unusual else upright, err_msg=name)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of_size(width: int, height: int) -> bytes:
    """Returns a small PNG file whose header states this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def webp_of_size(width: int, height: int, flags: int = 0) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + bytes(4) + b"WEBPVP8X" + struct.pack("<II", 10, flags) + size + bytes(20)


def jpeg_of_size(width: int, height: int) -> bytes:
    file = bytearray(encoded(photograph(), "JPEG"))
    at = file.index(b"\xff\xc0")
    file[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(file)


REFUSED = {
    "empty": (b"", "Expected a PNG, JPEG, BMP or WebP file"),
    "text": (b"no picture", "Expected a PNG, JPEG, BMP or WebP file"),
    "GIF": (encoded(photograph(), "GIF"), "Expected a PNG, JPEG, BMP or WebP file"),
    "TIFF": (encoded(photograph(), "TIFF"), "Expected a PNG, JPEG, BMP or WebP file"),
    "short PNG": (encoded(photograph(), "PNG")[:30], "Expected a PNG, JPEG, BMP or WebP file"),
    "truncated PNG": (encoded(photograph(), "PNG")[:60], ""),
    "short JPEG": (b"\xff\xd8\xff", ""),
    "truncated JPEG": (encoded(photograph(), "JPEG")[:300], ""),
    "huge PNG": (png_of_size(50_000, 50_000), "at most 67108864 pixels"),
    "PNG without pixels": (png_of_size(0, 5), "pixels"),
    "PNG of negative size": (png_of_size(0xFFFFFFFF, 0xFFFFFFFF), "pixels"),
    "huge JPEG": (jpeg_of_size(65_000, 65_000), "at most 67108864 pixels"),
    "huge WebP": (webp_of_size(16_000, 16_000), "at most 67108864 pixels"),
    "huge lossless WebP": (
        b"RIFF" + bytes(4) + b"WEBPVP8L" + bytes(4) + b"\x2f" + (16000 | 16000 << 14).to_bytes(4, "little") + bytes(20),
        "at most 67108864 pixels",
    ),
    "animation": (webp_of_size(16, 16, flags=2), "an animation"),
    "palette BMP": (encoded(photograph().convert("P"), "BMP"), "Expected a BMP file of 24 or 32 bits"),
    "BMP with masks": (encoded(photograph().convert("RGBA"), "BMP")[:30] + b"\3" + bytes(200), "without compression"),
    "long PNG": (encoded(photograph(), "PNG") + bytes(1 << 19), "Expected a file of at most"),
    "JPEG of many scans": (encoded(photograph(), "JPEG") + b"\xff\xda" * 101, "at most 100 scans"),
}


def test_too_many_pixels_in_a_batch(prepare: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 536870912 pixels in all pictures"):
        prepare([jpeg_of_size(8192, 8192)] * 9)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_files(case: str, prepare: Any) -> None:
    import tensorflow as tf

    file, message = REFUSED[case]
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        prepare([file])
    assert message in str(error.value)
