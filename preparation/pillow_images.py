"""Converts picture files with Pillow: to the images that a model expects, or to PNG files.

`prepare` returns the same images as the TensorFlow graph of `images.py`. Pillow also reads GIF and TIFF files, files
with several pictures (the first is used), and all kinds of BMP files. The command line and the training convert such
files to PNG files, which the graph can decode.
"""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .description import Pictures
from .exif import JPEG, ORIENTATION_TAG, TEM, orientation, segments
from .headers import MAX_PIXELS, MAX_SCANS, PILLOW_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import DTypeLike, NDArray

GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)
PNG_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16")  # of the pictures that `upright` returns

_pillow = threading.Lock()  # `warnings.catch_warnings` changes the filters of all threads


class BadPicture(ValueError):
    """A picture cannot be used. The message is the reason."""


@contextmanager
def opened(file: Any) -> Iterator[Any]:
    """Opens a file (a path, or a file object) with Pillow, which reads its header. Pillow's warnings are ignored.

    Raises:
        BadPicture: the file is damaged, is not a picture, or the picture has too many pixels.
    """
    from PIL import Image

    try:
        with _pillow, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(file, formats=PILLOW_FORMATS)
        with picture:
            check_size(picture.height, picture.width)
            yield picture
    except BadPicture:
        raise
    except Exception as error:  # Pillow's decoders raise errors of many classes for damaged files
        raise BadPicture(_reason(error)) from None


def check_size(height: int, width: int) -> None:
    """Raises BadPicture if a picture has no pixels, or too many."""
    if height < 1 or width < 1:
        raise BadPicture("its height or width is 0")
    if height * width > MAX_PIXELS:
        raise BadPicture(f"{height:,} × {width:,} pixels are more than {MAX_PIXELS:,}")


def upright(content: bytes) -> Any:
    """Decodes a picture file, and turns the picture upright as its EXIF data say.

    Args:
        content: the bytes of a file in one of `PILLOW_FORMATS`.

    Returns:
        The picture as an object of Pillow with one of `PNG_MODES`: grey (of 1, 8 or 16 bits) or RGB, each with or
        without transparency.

    Raises:
        BadPicture: the file cannot be decoded, or has values that PNG files cannot store.
    """
    from PIL import Image

    if content.startswith(JPEG):
        if content.count(b"\xff\xda") > MAX_SCANS:
            raise BadPicture(f"a JPEG file of more than {MAX_SCANS} scans")
        content = _without_tem(content)
    with opened(io.BytesIO(content)) as picture:
        picture.load()
        # Of TIFF files, Pillow reads other orientations than `exif.py`, and some versions have turned the picture.
        turn = picture.getexif().get(ORIENTATION_TAG, 1) if picture.format == "TIFF" else orientation(content)
        image = _convertible(picture)
        flips = Image.Transpose
        turns = (
            *(flips.FLIP_LEFT_RIGHT, flips.ROTATE_180, flips.FLIP_TOP_BOTTOM),
            *(flips.TRANSPOSE, flips.ROTATE_270, flips.TRANSVERSE, flips.ROTATE_90),
        )
        return image.transpose(turns[turn - 2]) if turn in range(2, 9) else image


def as_png(content: bytes) -> bytes:
    """Converts a picture file to a PNG file in upright orientation, without loss. Raises BadPicture as `upright`."""
    file, picture = io.BytesIO(), upright(content)
    picture.info = {}  # without the orientation
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def prepare(content: bytes, pictures: Pictures, *, dtype: DTypeLike = "float32") -> NDArray[Any]:
    """Converts a picture file to an image, in the same steps as `images.prepare_image`.

    Args:
        content: the bytes of the file.
        pictures: the size and the kind of the image.
        dtype: the type of the image. For integers, the values are rounded.

    Returns:
        The image (height, width, channels), with values in the range `pictures.pixels`.

    Raises:
        BadPicture: the file cannot be decoded.
    """
    import numpy as np

    picture = upright(content)
    colours, opacity = _bands(picture)
    width, height = picture.size
    box, size = _frame(width, height, pictures)

    def scaled(band: NDArray[Any]) -> NDArray[np.float32]:
        from PIL import Image

        part = band[box[1] : box[3], box[0] : box[2]].astype(np.float32)
        if part.shape == size[::-1]:
            return part
        return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BILINEAR))

    if opacity is None:
        bands = [scaled(band) for band in colours]
    else:  # on white
        white = np.float32(255) - scaled(opacity)
        bands = [scaled(band * opacity.astype(np.uint16)) / np.float32(255) + white for band in colours]
    image = np.clip(np.stack(bands, -1), 0, 255)
    if image.shape[-1] > pictures.channels:
        image = np.minimum(image @ np.array(GREY, np.float32)[:, None], 255)
    image = np.broadcast_to(image, (*image.shape[:2], pictures.channels))
    missing = [pictures.height - image.shape[0], pictures.width - image.shape[1]]
    image = np.pad(image, (*((each // 2, each - each // 2) for each in missing), (0, 0)))
    if pictures.pixels != "0..255":
        image = image / np.float32(255)
    if pictures.pixels == "-1..1":
        image = image * np.float32(2) - np.float32(1)
    return np.asarray(np.round(image) if np.issubdtype(np.dtype(dtype), np.integer) else image, dtype)


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decodes a PNG or JPEG file as it is: without a turn, and without a change of its size.

    Returns:
        The picture (height, width, channels): grey or three colours, and after them the opacity, if the file has it.

    Raises:
        BadPicture: the file cannot be decoded.
    """
    import numpy as np

    with opened(io.BytesIO(content)) as picture:
        picture.load()
        image = _convertible(picture)
    colours, opacity = _bands(image)
    # libpng adds no opacity for a colour that is transparent, only for a palette with transparent colours.
    alpha = [opacity] if opacity is not None and image.mode in ("LA", "RGBA") else []
    return np.stack([*colours, *alpha], -1)


def _without_tem(content: bytes) -> bytes:
    """Returns a JPEG file without the markers TEM before its first scan, which Pillow refuses."""
    for _, start, _ in reversed([each for each in segments(content) if each[0] == TEM]):
        content = content[: start - 2] + content[start:]
    return content


def _bands(picture: Any) -> tuple[list[NDArray[Any]], NDArray[Any] | None]:
    """Returns the grey values or the three colours, uint8 (height, width) each, and the opacity."""
    import numpy as np

    pixels = np.asarray(picture)
    if picture.mode == "I;16":
        pixels = (pixels >> 8).astype(np.uint8)
    if picture.mode == "1":
        pixels = pixels.astype(np.uint8) * 255
    bands = [pixels] if pixels.ndim == 2 else list(np.moveaxis(pixels, -1, 0))
    return (bands[:-1], bands[-1]) if picture.mode in ("LA", "RGBA") else (bands, None)


def _frame(width: int, height: int, pictures: Pictures) -> tuple[tuple[int, int, int, int], tuple[int, int]]:
    """Returns the used part of a picture (left, top, right, bottom), and the (width, height) that it is scaled to."""
    if pictures.fit == "crop":
        rows = min(max(width * pictures.height // pictures.width, 1), height)
        columns = min(max(height * pictures.width // pictures.height, 1), width)
        top, left = (height - rows) // 2, (width - columns) // 2
        return (left, top, left + columns, top + rows), (pictures.width, pictures.height)
    scale = min(pictures.height / height, pictures.width / width)
    sides = ((width, pictures.width), (height, pictures.height))
    size = [min(max(round(side * scale), 1), most) for side, most in sides]
    return (0, 0, width, height), (size[0], size[1])


def _convertible(image: Any) -> Any:
    """Returns an image of Pillow with one of `PNG_MODES`."""
    if image.mode in ("I", "I;16B", "I;16L"):
        low, high = image.convert("I").getextrema()
        if low < 0 or high > 65535:
            raise BadPicture("its values have 32 bits; save it with 8 or 16 bits")
        return image.convert("I").convert("I;16")
    if image.mode == "F":
        raise BadPicture("its values are floating-point numbers; save it with 8 or 16 bits")
    has_transparency = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
    # TensorFlow ignores the transparent colour of PNG files without a palette.
    if image.mode in PNG_MODES and (image.format == "PNG" or not has_transparency):
        return image
    return image.convert("RGBA" if has_transparency else "RGB")


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
