"""Reads the sizes of pictures from the headers of their files, before they are decoded.

A file of 200 KB can decode to 67 million pixels. Runs wait if their pictures together would take too much memory (see
`limits.WaitingBudget`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..preparation.description import Pictures
from ..preparation.file_headers import PNG, UNKNOWN, WEBP, read_header
from ..preparation.headers import MAX_PIXELS
from .errors import ResourceExhausted
from .wire.signature import TensorSpec

# Bytes for each pixel. Measured for the graph of `preparation.images`: up to 18 for pictures with transparency, which
# only PNG and WebP files have, and up to 6 for the others, without the copy for another aspect ratio.
BYTES_PER_PIXEL, BYTES_PER_OPAQUE_PIXEL = 24, 12


def needed_bytes(arrays: Mapping[str, Any], specs: Mapping[str, TensorSpec], limit: int) -> int:
    """Returns about how many bytes a run of a graph takes for the pictures in these inputs, and for their images.

    Args:
        arrays: the inputs of a run.
        specs: the inputs that may be picture files.
        limit: for one picture, and for all images of an input.

    Raises ResourceExhausted if it is more than `limit`.
    """
    total = 0
    for name, spec in specs.items():
        total += (size := decoded_bytes(arrays, [name], limit))
        if isinstance(pictures := spec.noted, Pictures):
            size = image_bytes(pictures.height, pictures.width, pictures.channels) * arrays[name].size
            total += size
        if spec.pixels:  # one of our own graphs, whose images are as large as the note says or as the pictures
            check_images(name, size, limit)
    return total


def image_bytes(height: int, width: int, channels: int) -> int:
    """Returns how many bytes an image takes as 32-bit floats."""
    return 4 * height * width * channels


def check_images(name: str, size: int, limit: int) -> None:
    """Raises ResourceExhausted if the images of an input take more than `limit` bytes: small files can become large."""
    if size > limit:
        raise ResourceExhausted(
            f"The images of input {name} take {size >> 20} MiB of memory (maximum {limit >> 20}). Send fewer pictures."
        )


def decoded_bytes(arrays: Mapping[str, Any], names: Collection[str], limit: int) -> int:
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
    header = read_header(file)
    if header is None:
        return 0
    pixels = MAX_PIXELS if UNKNOWN in (header.height, header.width) else abs(header.height * header.width)
    each = BYTES_PER_PIXEL if header.format in (PNG, WEBP) else BYTES_PER_OPAQUE_PIXEL
    return min(pixels, MAX_PIXELS) * each
