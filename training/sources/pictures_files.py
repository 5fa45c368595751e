"""Reads picture files, and checks their headers before anything is decoded.

`read_file` returns the bytes of a file that TensorFlow can decode. Pillow converts files in other formats, such as
TIFF, to PNG without loss.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from typing import Any, NamedTuple

from ...preparation.exif import EXIF, JPEG, PNG, of_tiff, orientation, segments
from ...preparation.headers import BYTES_PER_PIXEL, MAX_BYTES, MAX_EXTRA_BYTES, MAX_SCANS
from ...preparation.pillow_images import BadPicture, as_png, check_size, opened

# Markers of a JPEG frame: baseline, extended and progressive. Others, such as lossless, are left to Pillow.
FRAMES = (0xC0, 0xC1, 0xC2)
OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
MOST_SEGMENTS = 1 << 12  # of a JPEG file before its frame
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")

FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FRAME = struct.Struct(">HHB")


class Shape(NamedTuple):
    """Height, width and channels of a picture in its file."""

    height: int
    width: int
    channels: int


class Header(NamedTuple):
    """What the header of a file says.

    Attributes:
        shape: the upright picture's size, and 1 channel for grey or 3 for colour.
        bytes: length of the file.
    """

    shape: Shape
    bytes: int


class File(NamedTuple):
    """A file that TensorFlow can decode.

    Attributes:
        content: the bytes of the file.
        plain: the shape, if decoding the file gives exactly this shape, uint8, and there is nothing else to do: no EXIF
            orientation, no transparency, 8 bits for each channel. None for other pictures.
    """

    content: bytes
    plain: Shape | None


def read_file(path: bytes) -> File:
    """Reads a picture file. Raises BadPicture if the file cannot be read, is damaged, or is too large."""
    content = _content(path)
    if content.startswith(JPEG):
        shape, is_plain = _jpeg_header(content)
    elif content.startswith(PNG):
        shape, is_plain = _png_header(content)
    else:
        return _other(content)
    check_size(shape.height, shape.width)
    if len(content) > shape.height * shape.width * BYTES_PER_PIXEL + MAX_EXTRA_BYTES:
        return File(as_png(content), None)  # the graph refuses files with so much metadata
    return File(content, shape if is_plain else None)


def read_header(path: bytes) -> Header:
    """Reads the header of a picture file. Raises BadPicture if it cannot be read."""
    try:
        length = os.stat(path).st_size
    except OSError as error:
        raise BadPicture((error.strerror or str(error)).lower()) from None
    with opened(os.fsdecode(path)) as picture:
        width, height = picture.size
        exif = b"" if picture.format == "TIFF" else picture.info.get("exif", b"")  # Pillow turns TIFF files itself
        if of_tiff(exif.removeprefix(EXIF)) >= 5:
            height, width = width, height
        return Header(Shape(height, width, 1 if _is_grey(picture) else 3), length)


def reason(path: bytes) -> str:
    """Returns why TensorFlow could not decode a file."""
    try:
        return reason_of(read_file(path).content)
    except BadPicture as error:
        return str(error)


def reason_of(content: bytes) -> str:
    """Returns why TensorFlow could not decode the content of a file."""
    try:
        as_png(content)
    except BadPicture as error:
        return str(error)
    return "TensorFlow cannot decode it; save it as a PNG file"


def _content(path: bytes) -> bytes:
    try:
        # Without waiting, in case the file has become a pipe since the folder was listed.
        descriptor = os.open(path, FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise BadPicture("not a regular file")
            if status.st_size > MAX_BYTES:
                raise BadPicture(f"the file has {status.st_size:,} bytes, at most {MAX_BYTES:,} are read")
            content = os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BadPicture((error.strerror or str(error)).lower()) from None
    if not content:
        raise BadPicture("the file is empty")
    if len(content) < status.st_size:
        raise BadPicture("the file became shorter while it was read")
    return content


def _jpeg_header(content: bytes) -> tuple[Shape, bool]:
    """Returns the shape of a JPEG picture, and whether the picture is plain (see `File`)."""
    for marker, at, _ in segments(content, MOST_SEGMENTS):
        if (marker in FRAMES or marker in OTHER_FRAMES) and at + 8 <= len(content):
            height, width, channels = _FRAME.unpack_from(content, at + 3)
            scans = 1 if marker == 0xC0 and channels == 1 else content.count(b"\xff\xda")
            is_plain = marker in FRAMES and channels in (1, 3) and scans <= MAX_SCANS and orientation(content) == 1
            return Shape(height, width, channels), is_plain
    raise BadPicture("a damaged JPEG file")


def _png_header(content: bytes) -> tuple[Shape, bool]:
    """Returns the shape of a PNG picture, and whether the picture is plain (see `File`)."""
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise BadPicture("a damaged PNG file")
    width, height, bits, colour = struct.unpack_from(">IIBB", content, 16)
    data = content.find(b"IDAT")
    has_transparency = b"tRNS" in content[: data if data >= 0 else None]
    is_plain = bits == 8 and colour in (0, 2) and not has_transparency and orientation(content) == 1
    return Shape(height, width, {0: 1, 4: 2, 6: 4}.get(colour, 3)), is_plain


def _other(content: bytes) -> File:
    """Reads a WebP, BMP, TIFF or another file. `content` of plain BMP and WebP files goes to TensorFlow as it is."""
    is_webp = (
        content[:4] == b"RIFF" and content[8:12] == b"WEBP" and not (content[12:16] == b"VP8X" and content[20] & 2)
    )
    bits, compression = struct.unpack_from("<HI", content, 28) if len(content) >= 34 else (0, 0)
    is_bmp = content[:2] == b"BM" and bits in (24, 32) and compression == 0
    if (is_webp or is_bmp) and len(content) <= MAX_EXTRA_BYTES:  # longer files: the length is checked against the size
        with opened(io.BytesIO(content)):  # checks the header
            return File(content, None)
    return File(as_png(content), None)


def _is_grey(picture: Any) -> bool:
    if picture.mode != "P":
        return picture.mode in GREY_MODES
    palette = picture.getpalette("RGB") or []
    return palette[0::3] == palette[1::3] == palette[2::3]
