"""Prepares pictures with Pillow and NumPy, to compare with `keras_gallery.preparation.images`."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from keras_gallery.preparation.description import Pictures
from PIL import Image, ImageOps

Array = np.ndarray[Any, Any]


def prepared(file: bytes, pictures: Pictures) -> Array:
    """Returns the image (height, width, channels) in the range of `pictures.pixels`."""
    picture: Any = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    is_grey = picture.mode in ("1", "L", "LA")
    pixels = np.asarray(picture.convert("RGBA"), np.float64)
    alpha = pixels[..., 3:] / 255
    values = pixels[..., :3] * alpha + 255 * (1 - alpha)
    if is_grey:
        values = values[..., :1]
    height, width = values.shape[:2]
    size = pictures.height, pictures.width
    if pictures.fit == "crop":
        rows = min(height, max(1, width * size[0] // size[1]))
        columns = min(width, max(1, height * size[1] // size[0]))
        top, left = (height - rows) // 2, (width - columns) // 2
        values = values[top : top + rows, left : left + columns]
    else:
        scale = min(size[0] / height, size[1] / width)
        size = max(1, round(height * scale)), max(1, round(width * scale))
    channels = [Image.fromarray(each.astype(np.float32)) for each in np.moveaxis(values, -1, 0)]
    scaled = [np.asarray(each.resize(size[::-1], Image.Resampling.BILINEAR)) for each in channels]
    image = np.stack(scaled * (pictures.channels // len(scaled) or 1), -1)
    if image.shape[-1] > pictures.channels:
        image = image @ [[0.299], [0.587], [0.114]]
    rows, columns = pictures.height - image.shape[0], pictures.width - image.shape[1]
    image = np.pad(image, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)))
    least, most = map(float, pictures.pixels.split(".."))
    return image / 255 * (most - least) + least
