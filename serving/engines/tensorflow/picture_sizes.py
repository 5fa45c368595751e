"""Reads from the headers of picture files how much memory decoding them takes, before they are decoded.

A file of 200 KB can decode to 67 million pixels. The TensorFlow process lets runs wait if their pictures together would
take too much memory (see `limits.WaitingBudget`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator

from ....preparation.headers import MAX_PIXELS
from ...errors import ResourceExhausted
from ..base import Arrays

# Bytes for each pixel. Measured for the graph of `preparation.images`: up to 18 for pictures with transparency, which
# only PNG and WebP files have, and up to 6 for the others, without the copy for another aspect ratio.
BYTES_PER_PIXEL, BYTES_PER_OPAQUE_PIXEL = 24, 12
MAX_SEGMENTS = 1000  # of a JPEG file, before its size. A file from a camera has less than 20 of them.

MAX_GAP = 1 << 16  # bytes between two segments. libjpeg skips them.

_MARKER = re.compile(rb"\xff([^\xff\x00])", re.DOTALL)
_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of JPEG segments with the size of the picture
_LONE = frozenset([0x01, *range(0xD0, 0xD8)])  # markers without a segment
_LAST = frozenset([0xD9, 0xDA])  # no size follows


def decoded_bytes(arrays: Arrays, names: Collection[str], limit: int) -> int:
    """Returns about how many bytes the pictures in these inputs take when they are decoded; 0 for other files.

    Raises ResourceExhausted if one picture takes more than `limit` bytes.
    """
    total = 0
    for name in names:
        for file in arrays[name].flat:
            total += (size := picture_bytes(file))
            if size > limit:
                raise ResourceExhausted(
                    f"Decoding a picture in input {name} takes {size >> 20} MiB of memory (maximum {limit >> 20}). "
                    "Send a smaller picture."
                )
    return total


def picture_bytes(file: bytes) -> int:
    """Returns about how many bytes a picture takes when it is decoded. Returns 0 for other files.

    A picture counts as `MAX_PIXELS` pixels if it claims more, or if it is a JPEG file whose size is not found.
    """
    if file.startswith(b"\x89PNG\r\n\x1a\n"):
        return _pixels(">II", file, 16) * BYTES_PER_PIXEL
    if file.startswith(b"\xff\xd8\xff"):
        return next((_pixels(">HH", file, at) for at in _sizes(file)), MAX_PIXELS) * BYTES_PER_OPAQUE_PIXEL
    if file.startswith(b"BM"):
        return _pixels("<ii", file, 18) * BYTES_PER_OPAQUE_PIXEL
    if file.startswith(b"RIFF") and file.startswith(b"WEBP", 8):
        return _webp_pixels(file) * BYTES_PER_PIXEL
    return 0


def _pixels(form: str, file: bytes, at: int) -> int:
    """Returns the product of the two numbers at a place, at most `MAX_PIXELS`. Returns 0 if the file is too short."""
    if len(file) < at + struct.calcsize(form):
        return 0
    width, height = struct.unpack_from(form, file, at)
    return min(abs(width * height), MAX_PIXELS)


def _sizes(file: bytes) -> Iterator[int]:
    """Yields the place of the size in a JPEG file, if there is one in the first `MAX_SEGMENTS` segments."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(file, at, at + MAX_GAP)
        if found is None or (marker := found[1][0]) in _LAST:
            return
        at = found.end()
        if marker in _SIZED:
            yield at + 3
            return
        if marker not in _LONE:
            at += int.from_bytes(file[at : at + 2])


def _webp_pixels(file: bytes) -> int:
    """Returns the number of pixels in the first chunk: `VP8 ` (lossy), `VP8L` (lossless) or `VP8X`."""
    kind, header = file[15:16], file[:30]
    if len(header) < 30:
        return 0
    if kind == b"X":
        width, height = int.from_bytes(header[24:27], "little") + 1, int.from_bytes(header[27:30], "little") + 1
    elif kind == b"L":
        bits = int.from_bytes(header[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (number & 0x3FFF for number in struct.unpack_from("<HH", header, 26))
    return min(width * height, MAX_PIXELS)
