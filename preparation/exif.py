"""Reads the orientation of JPEG, PNG and WebP files (EXIF) without TensorFlow.

`orientation.py` does the same in a TensorFlow graph. Both must return the same for each file, also for damaged files.
"""

from __future__ import annotations

from collections.abc import Iterator

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
APP1, START_OF_SCAN, TEM = 0xE1, 0xDA, 0x01
WITHOUT_LENGTH = (TEM, *range(0xD0, 0xDA))  # markers without a length and a content; the others are RST, SOI and EOI
EXIF = b"Exif\0\0"
ORIENTATION_TAG, SHORT, LONG = 0x112, 3, 4
MAX_SEGMENTS, MAX_ENTRIES, ENTRY = 64, 512, 12
MAX_FILL = 1 << 12  # bytes of 0xFF before a marker that one step skips


def orientation(content: bytes) -> int:
    """Returns the orientation, 1 to 8, of a JPEG, PNG or WebP file. It is 1, upright, if the file does not say it."""
    if content.startswith(JPEG):
        return _of_jpeg(content)
    if content.startswith(PNG):
        return _of_chunks(content, 8)
    return _of_chunks(content, 12) if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else 1


def segments(content: bytes, most: int = MAX_SEGMENTS) -> Iterator[tuple[int, int, int]]:
    """Yields at most this number of segments of a JPEG file, before its first scan.

    Yields:
        The type of the segment, and the positions of its length and of the next segment.
    """
    at = 2
    for _ in range(most):
        window = content[at : at + MAX_FILL]
        at += max(len(window) - len(window.lstrip(b"\xff")) - 1, 0)  # a marker can follow several bytes of 0xFF
        if at + 4 > len(content) or content[at] != 0xFF or content[at + 1] == START_OF_SCAN:
            return
        kind, start = content[at + 1], at + 2
        if kind == 0xFF:
            at += 1
            continue
        at = start + (0 if kind in WITHOUT_LENGTH else int.from_bytes(content[start : start + 2]))
        yield kind, start, at


def _of_jpeg(content: bytes) -> int:
    for kind, start, end in segments(content):
        if kind == APP1 and content[start + 2 : start + 8] == EXIF:
            return of_tiff(content[start + 8 : end])
    return 1


def _of_chunks(content: bytes, at: int) -> int:
    """Returns the orientation in the EXIF chunk of a PNG file before its pixels, or of a WebP file."""
    is_png = at == 8
    for _ in range(MAX_SEGMENTS):
        first, second = content[at : at + 4], content[at + 4 : at + 8]
        name, length = (second, int.from_bytes(first)) if is_png else (first, int.from_bytes(second, "little"))
        if len(second) < 4 or name == b"IDAT":
            return 1
        if name == (b"eXIf" if is_png else b"EXIF"):
            return of_tiff(content[at + 8 : at + 8 + length].removeprefix(EXIF))
        at += 8 + length + (4 if is_png else length % 2)  # a checksum, or a byte that makes the length even
    return 1


def of_tiff(tiff: bytes) -> int:
    """Returns the orientation, 1 to 8, in EXIF data: a TIFF file. Values beyond its end are zeros."""
    size, is_little = len(tiff), tiff[:1] == b"I"
    tiff += bytes(ENTRY)

    def number(start: int, length: int) -> int:
        return int.from_bytes(tiff[start : start + length], "little" if is_little else "big")

    first = min(number(4, 4), size)
    count = min(number(first, 2), MAX_ENTRIES, max(size - first - 2, 0) // ENTRY)
    for at in range(first + 2, first + 2 + count * ENTRY, ENTRY):
        if number(at, 2) == ORIENTATION_TAG:
            value = {SHORT: number(at + 8, 2), LONG: number(at + 8, 4)}.get(number(at + 2, 2), 1)
            return value if 1 <= value <= 8 else 1
    return 1
