"""Reads the headers of picture files without TensorFlow, and checks them as the graph in `headers.py` does."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .headers import BYTES_PER_PIXEL, MAX_BATCH_PIXELS, MAX_BYTES, MAX_EXTRA_BYTES, MAX_PIXELS, REMEDY
from .pillow_images import BadPicture

MAX_SEGMENTS = 1000  # of a JPEG file, before its size. A file from a camera has less than 20 of them.
MAX_GAP = 1 << 16  # bytes between two segments. libjpeg skips them.
JPEG, PNG, BMP, WEBP = "JPEG", "PNG", "BMP", "WEBP"
UNKNOWN = -1  # a size that was not found

_PNG_HEADER, _BMP_HEADER, _WEBP_HEADER = 24, 34, 30  # bytes up to the end of what is read
_MARKER = re.compile(rb"\xff([^\xff\x00])", re.DOTALL)
_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of JPEG segments with the size of the picture
_LONE = frozenset([0x01, *range(0xD0, 0xD8)])  # markers without a segment
_LAST = frozenset([0xD9, 0xDA])  # no size follows


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a picture file.

    Attributes:
        format: `JPEG`, `PNG`, `BMP` or `WEBP`.
        height: of the picture, in pixels. `UNKNOWN` if a JPEG file does not say it where it should.
        width: see `height`.
    """

    format: str
    height: int
    width: int


def read_header(file: bytes) -> Header | None:
    """Returns the header of a file. None if it is in another format, or too short."""
    if file.startswith(b"\x89PNG\r\n\x1a\n") and len(file) >= _PNG_HEADER:
        width, height = struct.unpack_from(">II", file, 16)
        return Header(PNG, height, width)
    if file.startswith(b"\xff\xd8\xff"):
        return Header(JPEG, *_jpeg_size(file))
    if file.startswith(b"BM") and len(file) >= _BMP_HEADER:
        width, height = struct.unpack_from("<ii", file, 18)
        return Header(BMP, abs(height), width)
    if file.startswith(b"RIFF") and file.startswith(b"WEBP", 8) and len(file) >= _WEBP_HEADER:
        return Header(WEBP, *_webp_size(file[:_WEBP_HEADER]))
    return None


def check_files(files: Sequence[bytes]) -> list[Header]:
    """Returns the headers of files. Raises BadPicture if a file may not be decoded.

    The formats, sizes and lengths that are allowed are those of `headers.check_files`.
    """
    headers, total = [], 0
    for file in files:
        header = read_header(file)
        if header is None:
            raise BadPicture(
                "Expected a PNG, JPEG, BMP or WebP file. Received: another or a damaged file of this length: "
                f"{len(file)}"
            )
        if header.format == BMP and not _is_plain_bmp(file):
            raise BadPicture(f"Expected a BMP file of 24 or 32 bits without compression. {REMEDY}")
        if header.format == WEBP and _is_animated(file):
            raise BadPicture(f"Expected a WebP file of one picture. Received: an animation. {REMEDY}")
        pixels = header.height * header.width
        if header.height < 1 or header.width < 1 or pixels > MAX_PIXELS:
            raise BadPicture(
                f"Expected a picture of at most {MAX_PIXELS} pixels. Received (height, width): "
                f"[{header.height} {header.width}]"
            )
        most = min(pixels * BYTES_PER_PIXEL + MAX_EXTRA_BYTES, MAX_BYTES)
        if len(file) > most:
            raise BadPicture(
                "Expected a file of at most this number of bytes for the size of its picture. Then the received "
                f"number: [{most} {len(file)}]"
            )
        total += pixels
        headers.append(header)
    if total > MAX_BATCH_PIXELS:
        raise BadPicture(f"Expected at most {MAX_BATCH_PIXELS} pixels in all pictures of a request. Received: {total}")
    return headers


def _jpeg_size(file: bytes) -> tuple[int, int]:
    """Returns (height, width) from the first `MAX_SEGMENTS` segments of a JPEG file."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(file, at, at + MAX_GAP)
        if found is None or (marker := found[1][0]) in _LAST:
            break
        at = found.end()
        if marker in _SIZED and len(file) >= at + 7:
            height, width = struct.unpack_from(">HH", file, at + 3)
            return height, width
        if marker not in _LONE:
            at += int.from_bytes(file[at : at + 2])
    return UNKNOWN, UNKNOWN


def _webp_size(header: bytes) -> tuple[int, int]:
    """Returns (height, width) from the first chunk: `VP8 ` (lossy), `VP8L` (lossless) or `VP8X`."""
    kind = header[15:16]
    if kind == b"X":
        width, height = int.from_bytes(header[24:27], "little") + 1, int.from_bytes(header[27:30], "little") + 1
    elif kind == b"L":
        bits = int.from_bytes(header[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (number & 0x3FFF for number in struct.unpack_from("<HH", header, 26))
    return height, width


def _is_animated(file: bytes) -> bool:
    return file[15:16] == b"X" and bool(file[20] & 2)


def _is_plain_bmp(file: bytes) -> bool:
    bits, compression = struct.unpack_from("<HI", file, 28)
    return bits in (24, 32) and compression == 0
