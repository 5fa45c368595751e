"""Reads picture files, and checks their headers before anything is decoded.

`read_file` returns the bytes of a file that TensorFlow can decode. Pillow converts files in other formats, such as
TIFF, to PNG without loss.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import threading
import warnings
from typing import Any, NamedTuple

from ...preparation.headers import BYTES_PER_PIXEL, MAX_BYTES, MAX_EXTRA_BYTES, MAX_PIXELS, MAX_SCANS, PILLOW_FORMATS

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
EXIF_ORIENTATION = 0x0112
# Markers of a JPEG frame: baseline, extended and progressive. Others, such as lossless, are left to Pillow.
FRAMES = (0xC0, 0xC1, 0xC2)
OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")

FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FRAME, _LENGTH = struct.Struct(">HHB"), struct.Struct(">H")

_pillow = threading.Lock()  # `warnings.catch_warnings` changes the filters of all threads


class Broken(Exception):
    """A picture cannot be used. The message is the reason."""


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
    """Reads a picture file. Raises Broken if the file cannot be read, is damaged, or is too large."""
    content = _content(path)
    if content.startswith(JPEG):
        shape, is_plain = _jpeg_header(content)
    elif content.startswith(PNG):
        shape, is_plain = _png_header(content)
    else:
        return _other(content)
    _check_size(shape.height, shape.width)
    if len(content) > shape.height * shape.width * BYTES_PER_PIXEL + MAX_EXTRA_BYTES:
        return File(_as_png(content), None)  # the graph refuses files with so much metadata
    return File(content, shape if is_plain else None)


def read_header(path: bytes) -> Header:
    """Reads the header of a picture file. Raises Broken if it cannot be read."""
    with _pillow, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            length = os.stat(path).st_size
            with _opened(path) as picture:
                width, height = picture.size
                turn = picture.getexif().get(EXIF_ORIENTATION, 1) if picture.format == "JPEG" else 1
                if turn in (5, 6, 7, 8):
                    height, width = width, height
                return Header(Shape(height, width, 1 if _is_grey(picture) else 3), length)
        except Exception as error:  # Pillow's readers raise errors of many classes for damaged files
            raise Broken(_reason(error)) from None


def reason(path: bytes) -> str:
    """Returns why TensorFlow could not decode a file."""
    try:
        return reason_of(read_file(path).content)
    except Broken as error:
        return str(error)


def reason_of(content: bytes) -> str:
    """Returns why TensorFlow could not decode the content of a file."""
    try:
        _as_png(content)
    except Broken as error:
        return str(error)
    return "TensorFlow cannot decode it; save it as a PNG file"


def _content(path: bytes) -> bytes:
    try:
        # Without waiting, in case the file has become a pipe since the folder was listed.
        descriptor = os.open(path, FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Broken("not a regular file")
            if status.st_size > MAX_BYTES:
                raise Broken(f"the file has {status.st_size:,} bytes, at most {MAX_BYTES:,} are read")
            content = os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Broken((error.strerror or str(error)).lower()) from None
    if not content:
        raise Broken("the file is empty")
    if len(content) < status.st_size:
        raise Broken("the file became shorter while it was read")
    return content


def _jpeg_header(content: bytes) -> tuple[Shape, bool]:
    """Returns the shape of a JPEG picture, and whether the picture is plain (see `File`)."""
    at, has_exif = 2, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            break
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker in FRAMES or marker in OTHER_FRAMES:
            if at + 10 > len(content):
                break
            height, width, channels = _FRAME.unpack_from(content, at + 5)
            scans = 1 if marker == 0xC0 and channels == 1 else content.count(b"\xff\xda")
            is_plain = not has_exif and marker in FRAMES and channels in (1, 3) and scans <= MAX_SCANS
            return Shape(height, width, channels), is_plain
        if marker == 0xE1 and content[at + 4 : at + 8] == b"Exif":
            has_exif = True
        at += 2 + (0 if 0xD0 <= marker <= 0xD9 else _LENGTH.unpack_from(content, at + 2)[0])
    raise Broken("a damaged JPEG file")


def _png_header(content: bytes) -> tuple[Shape, bool]:
    """Returns the shape of a PNG picture, and whether the picture is plain (see `File`)."""
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise Broken("a damaged PNG file")
    width, height, bits, colour = struct.unpack_from(">IIBB", content, 16)
    data = content.find(b"IDAT")
    has_transparency = b"tRNS" in content[: data if data >= 0 else None]
    is_plain = bits == 8 and colour in (0, 2) and not has_transparency
    return Shape(height, width, {0: 1, 4: 2, 6: 4}.get(colour, 3)), is_plain


def _other(content: bytes) -> File:
    """Reads a WebP, BMP, TIFF or another file. `content` of plain BMP and WebP files goes to TensorFlow as it is."""
    is_webp = (
        content[:4] == b"RIFF" and content[8:12] == b"WEBP" and not (content[12:16] == b"VP8X" and content[20] & 2)
    )
    bits, compression = struct.unpack_from("<HI", content, 28) if len(content) >= 34 else (0, 0)
    is_bmp = content[:2] == b"BM" and bits in (24, 32) and compression == 0
    if (is_webp or is_bmp) and len(content) <= MAX_EXTRA_BYTES:  # longer files: the length is checked against the size
        with _pillow, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with _opened(io.BytesIO(content)) as picture:
                    _check_size(picture.height, picture.width)
            except Broken:
                raise
            except Exception as error:
                raise Broken(_reason(error)) from None
        return File(content, None)
    return File(_as_png(content), None)


def _as_png(content: bytes) -> bytes:
    """Converts a file to PNG with Pillow, without loss. Turns it upright. Raises Broken if Pillow cannot decode it."""
    from PIL import ImageOps

    try:
        with _pillow, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _opened(io.BytesIO(content))
        with picture:
            _check_size(picture.height, picture.width)
            picture.load()
            image: Any = ImageOps.exif_transpose(picture) if picture.format in ("JPEG", "TIFF", "MPO") else picture
            file = io.BytesIO()
            _convertible(image).save(file, "PNG", compress_level=1)
    except Broken:
        raise
    except Exception as error:  # Pillow's decoders raise errors of many classes for damaged files
        raise Broken(_reason(error)) from None
    return file.getvalue()


def _convertible(image: Any) -> Any:
    """Returns an image of Pillow in a mode that PNG can store: grey of 8 or 16 bits, or colour; with transparency."""
    if image.mode.startswith("I;16"):
        return image
    if image.mode == "I":
        low, high = image.getextrema()
        if low < 0 or high > 65535:
            raise Broken("its values have 32 bits; save it with 8 or 16 bits")
        return image.convert("I;16")
    if image.mode == "F":
        raise Broken("its values are floating-point numbers; save it with 8 or 16 bits")
    if image.mode in ("1", "L", "LA", "RGB", "RGBA"):
        return image
    return image.convert("RGBA" if "transparency" in image.info or image.mode in ("PA", "La", "RGBa") else "RGB")


def _opened(file: Any) -> Any:
    from PIL import Image

    return Image.open(os.fsdecode(file) if isinstance(file, bytes) else file, formats=PILLOW_FORMATS)


def _is_grey(picture: Any) -> bool:
    if picture.mode != "P":
        return picture.mode in GREY_MODES
    palette = picture.getpalette("RGB") or []
    return palette[0::3] == palette[1::3] == palette[2::3]


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise Broken("its height or width is 0")
    if height * width > MAX_PIXELS:
        raise Broken(f"{height:,} × {width:,} pixels are more than {MAX_PIXELS:,}")


def _reason(error: BaseException) -> str:
    """Returns an error of Pillow in a few words."""
    name = type(error).__name__
    if name == "UnidentifiedImageError":
        return "not a picture, or damaged"
    if name == "DecompressionBombError":
        return f"more than {MAX_PIXELS:,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).partition("\n")[0][:80] or name
