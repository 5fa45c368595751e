"""Steps that decode picture files with Pillow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...preparation import description, file_headers, pillow_images
from ...preparation.fields import Fields
from ...preparation.pillow_images import BadPicture
from .. import limits, picture_sizes
from ..errors import InvalidArgument
from .base import Array, Arrays, Graphs, Step
from .budget import QUICK_BYTES, memory

MAX_EXTRA_BYTES = 32 << 10  # of a file for an image of fixed size, for metadata
DTYPES = ("float32", "float16", "bfloat16", "uint8", "int32")


@dataclass(frozen=True)
class Pictures(Step):
    """Decodes picture files of any size, and prepares them as in training.

    Attributes:
        files: the array of the files (batch,), bytes.
        images: the new array (batch, height, width, channels).
        dtype: its type.
        height: see `preparation.description.Pictures`, as for the other attributes.
    """

    kind = "pictures 1"
    files: str
    images: str
    dtype: str
    height: int
    width: int
    channels: int
    fit: str
    pixels: str

    @classmethod
    def of(cls, files: str, images: str, dtype: str, pictures: description.Pictures) -> Pictures:
        """Returns the step that prepares pictures as a description says."""
        size = pictures.height, pictures.width, pictures.channels
        return cls(files, images, dtype, *size, pictures.fit, pictures.pixels)

    @classmethod
    def read(cls, content: Fields) -> Pictures:
        names = content.string("files"), content.string("images"), content.choice("dtype", DTYPES)
        return cls.of(*names, description.Pictures.read(content))

    def may_block(self, arrays: Arrays) -> bool:
        return _takes_long(arrays, self.files, self._image_bytes)

    @property
    def _image_bytes(self) -> int:
        return picture_sizes.image_bytes(self.height, self.width, self.channels)

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        files = _contents(arrays[self.files])
        pictures = description.Pictures(self.height, self.width, self.channels, self.fit, self.pixels)
        dtype = _dtype_of(self.dtype)
        with _decoding(arrays, self.files, self._image_bytes):
            images = np.empty((len(files), self.height, self.width, self.channels), dtype)
            file_headers.check_files(files)
            for at, file in enumerate(files):
                with _named(self.files, at):
                    images[at] = pillow_images.prepare(file, pictures, dtype=dtype)
        return {self.images: images}


@dataclass(frozen=True)
class ImageFiles(Step):
    """Decodes PNG or JPEG files of the size and kind of the model's images.

    Attributes:
        files: the array of the files (batch,), bytes.
        images: the new array (batch, height, width, channels).
        dtype: its type.
        height: of the images, in pixels.
        width: of the images, in pixels.
        channels: 1 for grey, 3 for red, green and blue.
        make_grey: whether to convert colours to grey, for images with one channel.
        pixels: the range of the values.
    """

    kind = "image files 1"
    files: str
    images: str
    dtype: str
    height: int
    width: int
    channels: int
    make_grey: bool
    pixels: str

    @classmethod
    def read(cls, content: Fields) -> ImageFiles:
        return cls(
            content.string("files"),
            content.string("images"),
            content.choice("dtype", DTYPES),
            content.integer("height", least=1, most=description.MAX_SIDE),
            content.integer("width", least=1, most=description.MAX_SIDE),
            content.choice("channels", (1, 3)),
            content.boolean("make_grey"),
            content.choice("pixels", description.PIXELS),
        )

    def may_block(self, arrays: Arrays) -> bool:
        return _takes_long(arrays, self.files, self._image_bytes)

    @property
    def _image_bytes(self) -> int:
        return picture_sizes.image_bytes(self.height, self.width, self.channels)

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        files = _contents(arrays[self.files])
        with _decoding(arrays, self.files, self._image_bytes):
            images = np.empty((len(files), self.height, self.width, self.channels), np.float32)
            for at, file in enumerate(files):
                images[at] = self._image(at, file)
        if self.pixels != "0..255":
            images /= np.float32(255)
        if self.pixels == "-1..1":
            images = images * np.float32(2) - np.float32(1)
        return {self.images: images.astype(_dtype_of(self.dtype), copy=False)}

    def _image(self, number: int, file: bytes) -> Array:
        header = file_headers.read_header(file)
        if header is None or header.format not in (file_headers.PNG, file_headers.JPEG):
            raise BadPicture(
                f"Expected a PNG or JPEG file. Received: another or a damaged file of this length: {len(file)}"
            )
        if (header.height, header.width) != (self.height, self.width):
            raise BadPicture(
                f"Expected a picture of {self.height}x{self.width} pixels (height x width). "
                f"Received: [{header.height} {header.width}]"
            )
        most = 8 * self.height * self.width + MAX_EXTRA_BYTES
        if len(file) > most:
            raise BadPicture(f"Expected a picture of at most {most} bytes. Received: {len(file)}")
        with _named(self.files, number):
            image = pillow_images.decode(file)
        allowed = (self.channels, 3) if self.make_grey else (self.channels,)
        if image.shape[-1] not in allowed:
            raise BadPicture(
                f"Expected a picture of {' or '.join(map(str, allowed))} channel(s). Received: {image.shape[-1]}"
            )
        if image.shape[-1] != self.channels:
            grey = image.astype(np.float32) @ np.array(pillow_images.GREY, np.float32)
            return np.minimum(grey, np.float32(255))[..., np.newaxis]
        return image


def _dtype_of(name: str) -> np.dtype[Any]:
    """Returns the NumPy type of this name. NumPy knows bfloat16 only with the package `ml_dtypes`."""
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def _contents(files: Array) -> Sequence[bytes]:
    return [bytes(file) for file in files]


def _takes_long(arrays: Arrays, name: str, image_bytes: int) -> bool:
    files = arrays.get(name)
    return files is None or sum(map(picture_sizes.picture_bytes, files)) + image_bytes * len(files) > QUICK_BYTES


@contextlib.contextmanager
def _named(files: str, number: int) -> Iterator[None]:
    """Adds to Pillow's reason which picture cannot be decoded."""
    try:
        yield
    except BadPicture as error:
        raise InvalidArgument(f"Cannot decode picture {number} of {files}: {error}.") from None


@contextlib.contextmanager
def _decoding(arrays: Arrays, name: str, image_bytes: int) -> Iterator[None]:
    """Waits until there is memory for the pictures. Errors of the pictures become InvalidArgument."""
    most = limits.share_of_memory(1)
    images = image_bytes * len(arrays[name])
    picture_sizes.check_images(name, images, most)
    size = images + picture_sizes.decoded_bytes(arrays, [name], most)
    with memory(size):
        try:
            yield
        except BadPicture as error:
            raise InvalidArgument(str(error)) from None
