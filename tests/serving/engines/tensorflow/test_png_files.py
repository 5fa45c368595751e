"""Tests of the length of compressed texts in PNG files."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.tensorflow import png_files
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire import dtypes
from keras_gallery.serving.wire.signature import SignatureDef, TensorSpec
from PIL import Image, PngImagePlugin

LONG = bytes(png_files.MAX_TEXT_BYTES + 1)


def png(**options: Any) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)  # over 64 KiB, also compressed
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """Returns a PNG file with one more chunk after the header."""
    file, at = png(), 8 + 12 + 13
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return file[:at] + struct.pack(">I", len(content)) + kind + content + checksum + file[at:]


def array(*files: bytes) -> Any:
    files_array = np.empty(len(files), object)
    files_array[:] = files
    return {"x": files_array}


def texts(**values: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for name, value in values.items():
        info.add_itxt(name, value)
    return info


ALLOWED = {
    "no picture": b"x" * 100_000,
    "empty": b"",
    "a large picture": png(),
    "a profile": png(icc_profile=bytes(1000)),
    "a long text that is not compressed": png(pnginfo=texts(XML="x" * 100_000)),
    "a truncated chunk": png()[:70_000],
}
REFUSED = {
    "a text": with_chunk(b"zTXt", b"k\0\0" + LONG),
    "two texts": with_chunk(b"zTXt", LONG[::2]).replace(b"IDAT", b"zTXt", 1),
    "a profile": with_chunk(b"iCCP", b"k\0\0" + LONG),
    "a compressed international text": with_chunk(b"iTXt", b"k\0\1\0\0\0" + LONG),
    "an international text without a keyword": with_chunk(b"iTXt", b"k" * 100 + LONG),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_usual_files_are_allowed(case: str) -> None:
    png_files.check(array(ALLOWED[case]), ["x"])


@pytest.mark.parametrize("case", REFUSED)
def test_long_compressed_texts_are_refused(case: str) -> None:
    with pytest.raises(InvalidArgument, match="at most 65536 bytes of compressed texts and color profiles in input x"):
        png_files.check(array(b"", REFUSED[case]), ["x"])


def test_only_the_strings_of_signatures_with_decoders_are_checked() -> None:
    specs = {"x": TensorSpec("x:0", dtypes.STRING, (-1,)), "n": TensorSpec("n:0", dtypes.BY_NUMBER[3], ())}
    signature = SignatureDef("s", "", specs, {})
    assert png_files.inputs(signature, {"DecodePng", "Cast"}) == ["x"]
    assert png_files.inputs(signature, {"DecodeRaw", "Cast"}) == []
