"""Refuses PNG files with long compressed texts.

TensorFlow unpacks the texts and color profiles of a PNG file, although it does not use them. A small file can contain
gigabytes of them.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from ...errors import InvalidArgument
from ...wire import dtypes
from ...wire.signature import SignatureDef
from ..base import Arrays

MAX_TEXT_BYTES = 64 << 10  # of compressed texts and color profiles in a file
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")  # length and type; the content and four bytes of checksum follow
_DECODERS = frozenset("DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng".split())


def inputs(signature: SignatureDef, operations: Collection[str]) -> list[str]:
    """Returns the names of the inputs that may be image files. Each of these decoders decodes files of all formats."""
    if _DECODERS.isdisjoint(operations):
        return []
    return [name for name, spec in signature.inputs.items() if spec.dtype is dtypes.STRING]


def check(arrays: Arrays, names: Collection[str]) -> None:
    """Raises InvalidArgument if a file in one of these inputs has too long compressed texts."""
    for name in names:
        for file in arrays[name].flat:
            if len(file) > MAX_TEXT_BYTES and text_bytes(file) > MAX_TEXT_BYTES:
                raise InvalidArgument(
                    f"Expected PNG files with at most {MAX_TEXT_BYTES} bytes of compressed texts and color profiles "
                    f"in input {name}. Received: more"
                )


def text_bytes(file: bytes) -> int:
    """Returns the number of bytes of the compressed texts and color profiles in a PNG file, 0 for any other file."""
    total, at = 0, len(_SIGNATURE)
    while file.startswith(_SIGNATURE) and at + _CHUNK.size <= len(file) and total <= MAX_TEXT_BYTES:
        length, kind = _CHUNK.unpack_from(file, at)
        if kind in (b"zTXt", b"iCCP") or kind == b"iTXt" and _is_compressed(file, at + _CHUNK.size):
            total += length
        at += _CHUNK.size + length + 4
    return total


def _is_compressed(file: bytes, at: int) -> bool:
    """Returns whether an iTXt chunk is compressed: the flag follows the keyword of up to 79 bytes and a zero byte."""
    end = file.find(b"\0", at, at + 80)
    return end < 0 or file[end + 1 : end + 2] == b"\1"
