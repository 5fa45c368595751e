"""Compares the preparation with Pillow with the TensorFlow graph and with the oracle, for all kinds of files."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation import exif
from keras_gallery.preparation.description import Pictures
from keras_gallery.preparation.pillow_images import BadPicture, as_png, prepare, upright
from PIL import Image

from .oracle import prepared
from .pictures import encoded, kinds, photograph, turned
from .test_images import SHAPES, TOLERANCE, chunk, function, png_of_size, tiff, with_segment

SIX = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)  # an entry of EXIF data: orientation 6
OPTIONS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "JPEG": {"quality": 95}}
MODES = {"PNG": ("L", "LA", "RGB", "RGBA"), "WEBP": ("RGB", "RGBA"), "JPEG": ("L", "RGB")}


def turned_files() -> dict[str, bytes]:
    """Returns files of each format and mode, with each orientation."""
    files = {}
    opacity = Image.fromarray(np.tile(np.linspace(0, 255, 53).astype(np.uint8), (37, 1)))
    for kind, modes in MODES.items():
        for mode in modes:
            picture = photograph().convert(mode)
            if "A" in mode:
                picture.putalpha(opacity)
            for orientation in range(1, 9):
                data = Image.Exif()
                data[0x0112] = orientation
                options = OPTIONS[kind] | {"exif": data.tobytes()}
                files[f"{kind} {mode} {orientation}"] = encoded(picture, kind, **options)
    return files


def in_chunks(*chunks: bytes) -> bytes:
    """Returns a PNG file with chunks between its header and its pixels."""
    file = encoded(photograph(), "PNG")
    return file[:33] + b"".join(chunks) + file[33:]


def unusual_files() -> dict[str, bytes]:
    """Returns files with unusual places of their EXIF data. The orientation is 6."""
    six, prefix = tiff(SIX), len(b"Exif\0\0")
    jpeg = with_segment(six)
    webp = encoded(photograph(), "WEBP", lossless=True, exif=six)
    return {
        "JPEG with bytes before a marker": jpeg[:2] + b"\xff" * 300 + jpeg[2:],
        "JPEG with many bytes before a marker": jpeg[:2] + b"\xff" * 9000 + jpeg[2:],
        "JPEG with TEM": jpeg[:2] + b"\xff\x01" + jpeg[2:],
        "JPEG with TEM between bytes": jpeg[:2] + b"\xff\xff\x01\xff\xff" + jpeg[2:],
        "PNG": in_chunks(chunk(b"tEXt", b"a\0b"), chunk(b"eXIf", six[prefix:])),
        "PNG with a prefix": in_chunks(chunk(b"eXIf", six)),
        "WebP": webp,
        "WebP without a prefix": webp.replace(b"EXIF" + struct.pack("<I", len(six)) + six, b"EXIF" + _even(six[6:])),
    }


def _even(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("pictures", SHAPES, ids=str)
def test_the_graph_and_pillow_prepare_the_same_images(pictures: Pictures) -> None:
    files = kinds() | turned_files()
    images = function(pictures)(list(files.values()))
    least, most = map(float, pictures.pixels.split(".."))
    for (name, file), image in zip(files.items(), images, strict=True):
        found = prepare(file, pictures)
        assert found.dtype == np.float32 and found.shape == image.shape
        assert found.min() >= least and found.max() <= most
        np.testing.assert_allclose(found, image, atol=TOLERANCE * (most - least), err_msg=name)
        np.testing.assert_allclose(found, prepared(file, pictures), atol=TOLERANCE * (most - least), err_msg=name)


def test_8_bit_pixels_of_the_same_size_stay_as_they_are() -> None:
    image = prepare(encoded(photograph(), "PNG"), Pictures(37, 53, 3, "crop", "0..255"), dtype="uint8")
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.asarray(photograph()))


@pytest.mark.models
def test_both_readers_find_the_same_orientation() -> None:
    import tensorflow as tf
    from keras_gallery.preparation.orientation import orientation, orientation_of_chunks

    spec = tf.TensorSpec((None,), tf.uint8)
    of_jpeg = tf.function(orientation, input_signature=[spec])
    of_chunks = tf.function(orientation_of_chunks, input_signature=[spec, tf.TensorSpec((), tf.bool)])

    def found(file: bytes) -> int:
        data = tf.constant(np.frombuffer(file, np.uint8))
        return int(of_jpeg(data) if file[:2] == b"\xff\xd8" else of_chunks(data, file[:4] == b"\x89PNG"))

    for name, file in unusual_files().items():
        assert found(file) == exif.orientation(file) == 6, name
    for name, file in turned_files().items():
        assert found(file) == exif.orientation(file) == int(name[-1]), name
    rng = np.random.default_rng(0)
    orientations = []
    for file in unusual_files().values():
        at = file.index(b"II*\0")
        for _ in range(40):  # damaged files
            damaged = bytearray(file[: int(rng.integers(60, len(file)))] if rng.random() < 0.3 else file)
            places = rng.integers(12, min(at + 30, len(damaged)), 3) if rng.random() < 0.9 else []
            for place in places:
                damaged[place] = rng.choice([0, 1, 0x7F, 0xFF, 0xDA, 0xE1, 3, int(rng.integers(256))])
            orientations.append(exif.orientation(bytes(damaged)))
            assert found(bytes(damaged)) == orientations[-1]
    assert {1, 6} <= set(orientations)


def test_unusual_files_are_turned() -> None:
    pictures = Pictures(16, 16, 3)
    expected = prepare(turned(6), pictures)
    for name, file in unusual_files().items():
        np.testing.assert_allclose(prepare(file, pictures), expected, atol=0.05, err_msg=name)  # JPEG is lossy


def test_png_files_of_other_formats_become_the_same_image() -> None:
    """The commands and the training convert files to PNG: this does not change the image."""
    rgba = photograph().convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    sixteen = Image.fromarray(np.arange(37 * 53, dtype=np.uint16).reshape(37, 53) * 30)
    data = Image.Exif()
    data[0x0112] = 6
    files = kinds() | {
        "GIF": encoded(photograph().convert("P"), "GIF", transparency=3),
        "GIF of two pictures": encoded(photograph(), "GIF", save_all=True, append_images=[Image.new("RGB", (53, 37))]),
        "TIFF": encoded(rgba, "TIFF"),
        "turned TIFF": encoded(photograph(), "TIFF", exif=data),
        "TIFF of 16 bits": encoded(sixteen, "TIFF"),
        "CMYK TIFF": encoded(photograph().convert("CMYK"), "TIFF"),
        "LAB TIFF": encoded(Image.new("LAB", (9, 7), (90, 3, 200)), "TIFF"),
        "transparent grey of 16 bits": encoded(sixteen, "PNG", transparency=300),
        "transparent colour": encoded(photograph(), "PNG", transparency=photograph().getpixel((4, 4))),
        "turned PNG": encoded(rgba, "PNG", exif=data),
    }
    for pictures in SHAPES:
        for name, file in files.items():
            converted = as_png(file)
            assert converted.startswith(exif.PNG) and b"eXIf" not in converted
            np.testing.assert_array_equal(prepare(converted, pictures), prepare(file, pictures), err_msg=name)
    np.testing.assert_array_equal(upright(files["turned TIFF"]), np.rot90(photograph(), -1))
    assert np.ptp(prepare(files["GIF of two pictures"], SHAPES[0])) > 0.3  # the second picture is black


def test_the_transparent_colour_of_png_files_is_ignored_as_in_tensorflow() -> None:
    pictures = Pictures(37, 53, 3)
    sixteen = Image.fromarray(np.arange(37 * 53, dtype=np.uint16).reshape(37, 53) * 30)
    colour = photograph().getpixel((4, 4))
    files = [encoded(sixteen, "PNG", transparency=300), encoded(photograph(), "PNG", transparency=colour)]
    images = function(pictures)(files)
    np.testing.assert_allclose(images[1], np.asarray(photograph()) / 255, atol=TOLERANCE)
    for file, image in zip(files, images, strict=True):
        np.testing.assert_allclose(prepare(file, pictures), image, atol=TOLERANCE)


BROKEN = {
    "empty": (b"", "not a picture, or damaged"),
    "text": (b"no picture", "not a picture, or damaged"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not a picture, or damaged"),
    "truncated": (encoded(photograph(), "PNG")[:900], "truncated"),
    "floats": (encoded(Image.new("F", (3, 3)), "TIFF"), "floating-point"),
    "32 bits": (encoded(Image.new("I", (3, 3), 1 << 20), "TIFF"), "32 bits"),
    "scans": (encoded(photograph(), "JPEG") + b"\xff\xda" * 101, "more than 100 scans"),
    "too large": (encoded(Image.new("1", (9_000, 9_000)), "PNG"), "9,000 × 9,000 pixels are more than"),
    "bomb": (png_of_size(50_000, 50_000), "more than"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_files_that_cannot_be_decoded(case: str) -> None:
    file, reason = BROKEN[case]
    with pytest.raises(BadPicture) as error:
        prepare(file, SHAPES[0])
    assert reason in str(error.value) and "\n" not in str(error.value)
