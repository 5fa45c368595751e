"""Reads and writes the images and arrays of the commands that send requests to a server."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..preparation.headers import PILLOW_FORMATS
from ..preparation.pillow_images import BadPicture, as_png, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SENT_UNCHANGED = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")  # the first bytes of PNG and JPEG files, which models read
MAPPED = 16 << 20  # bytes of an NPY file from which it is mapped to memory

_ENDS = {"0..255": (0, 255), "0..1": (0, 1), "-1..1": (-1, 1)}  # of the ranges of pixel values


def read_image(file: Path) -> bytes:
    """Returns the content of a PNG or JPEG file. Converts an image in another format to PNG, in upright orientation.

    The first image of a file with several images is used.

    Raises:
        GalleryError: the file cannot be read, or is not an image.
    """
    content = read_content(file)
    if content.startswith(SENT_UNCHANGED):
        return content
    try:
        return as_png(content)
    except BadPicture as error:
        raise GalleryError(f"Cannot read the image {file}: {error}.") from None


def read_content(file: Path) -> bytes:
    """Returns the content of an image file. Raises GalleryError if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise GalleryError(f"Cannot read the image {file}: {error.strerror}.") from None


def is_damaged(content: bytes) -> bool:
    """Returns whether the content of an image file is not an image, or is cut off. Does not decode the image."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=PILLOW_FORMATS) as image:
            image.verify()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return True
    return False


def read_pixels(file: Path, size: Sequence[int]) -> Array:
    """Returns the pixels of an image file in upright orientation (height, width, channels), uint8.

    Raises:
        GalleryError: the file is not an image, or does not have this size, in which -1 stands for any size.
    """
    import numpy as np

    try:
        image = upright(read_content(file))
    except BadPicture as error:
        raise GalleryError(f"Cannot read the image {file}: {error}.") from None
    found, mode = (image.height, image.width), image.mode
    is_right = all(want in (-1, got) for want, got in zip(size, found, strict=False))
    pixels = np.asarray(image.convert("L" if size[2] == 1 else "RGB")) if is_right else None
    if pixels is None:
        expected = f"{size[0]}x{size[1]} pixels (height x width)"
        raise GalleryError(f"Expected a picture of {expected}: {file}. Received: {found[0]}x{found[1]}.")
    if mode not in (("1", "L") if size[2] == 1 else ("RGB",)):
        raise GalleryError(f"Expected a picture of {size[2]} channel(s): {file}. Received: {mode}.")
    return pixels.reshape(*found, size[2])


def load(file: Path) -> Array:
    """Returns the array of numbers in an NPY file. A large file is not read, but mapped to memory.

    Raises GalleryError if the file cannot be read or has no numbers.
    """
    import numpy as np

    try:
        if file.stat().st_size > MAPPED:
            array: Array = np.lib.format.open_memmap(file, mode="r")
        else:
            with file.open("rb") as opened:
                array = np.lib.format.read_array(opened, allow_pickle=False)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"dtype {array.dtype}")
    except Exception as error:  # NumPy raises errors of many classes for damaged files
        raise GalleryError(f"Expected an NPY file of numbers: {file}. Received: {error}.") from None
    return array


def write(target: Path, answer: Array) -> None:
    """Writes an array as an NPY file, or an image (height, width, channels) as a PNG file, atomically.

    The suffix of the file selects the format.

    Raises:
        GalleryError: the suffix is neither .npy nor .png, or it is .png and the array is not an image.
    """
    import numpy as np

    suffix = target.suffix.lower()
    if suffix not in (".npy", ".png") or (suffix == ".png" and answer.ndim != 3):
        kinds = ".npy or .png" if answer.ndim == 3 else ".npy"
        raise GalleryError(f"Expected an output file that ends in {kinds}. Received: {target}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            if suffix == ".npy":
                np.save(file, answer)
            else:
                write_png(file, answer)
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise


def from_pixels(images: Array, pixels: str) -> Array:
    """Converts 8-bit pixels to the pixel values that a model expects: "0..255", "-1..1", or otherwise 0 to 1."""
    import numpy as np

    least, most = _ENDS.get(pixels, (0, 1))
    return images.astype(np.float32) * (most - least) / 255 + least


def to_unit(images: Array, pixels: str) -> Array:
    """Converts a model's pixel values to values in [0, 1]."""
    least, most = _ENDS.get(pixels, (0, 1))
    unit: Array = (images - least) / (most - least)
    return unit


def write_png(file: IO[bytes], image: Array) -> None:
    """Writes an image (height, width, 1 or 3) as a PNG file. Values are clipped to [0, 1]."""
    import numpy as np
    from PIL import Image

    pixels = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "png")
