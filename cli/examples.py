"""Reads the inputs of the commands that send requests: pictures, rows of arrays and tables, and texts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..models.errors import GalleryError
from . import arrays
from .table_rows import count_rows, read_table

if TYPE_CHECKING:
    from ..serving.wire.signature import SignatureDef

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
TABLES = (".csv", ".tsv", ".parquet")
PICTURE, ARRAY, ROW, TEXT, BROKEN = "picture", "array", "row", "text", "broken"  # the forms of examples


class Example(NamedTuple):
    """One example to send to a model.

    Attributes:
        name: the file, or the text itself.
        row: the row in an array or a table, from 0. None for a picture or a text.
        form: PICTURE, ARRAY, ROW or TEXT, or BROKEN for a file that cannot be read.
        value: the path of a picture or the bytes of its file, an array, the values of a row by column, a text, or the
            error message of a broken file.
        size: about the number of bytes to send.
        group: examples with the same form and group can share a request.
    """

    name: str
    row: int | None
    form: str
    value: Any
    size: int = 0
    group: object = None

    @property
    def title(self) -> str:
        """The name for printed lines: the file, and the row in an array or a table."""
        return self.name if self.row is None else f"{self.name}[{self.row}]"


def texts(values: Iterable[str]) -> Iterator[Example]:
    """Yields an example for each text."""
    for value in values:
        yield Example(name_of(value), None, TEXT, value, len(value))


def read(files: Iterable[Path], signature: SignatureDef | None, rows: SignatureDef | None) -> Iterator[Example]:
    """Yields the examples in files, in order. Yields a BROKEN example for a file that cannot be read.

    Pictures are not read yet.

    Args:
        files: picture files, NPY files, and tables.
        signature: the signature for arrays.
        rows: the signature with one input for each column of a table, if the model has one.
    """
    for file in files:
        try:
            if is_image(file):
                yield Example(name_of(file), None, PICTURE, file, os.stat(file).st_size)
                continue
            read_rows = _read_table(file, signature, rows) if is_table(file) else _read_array(file, signature)
            first = next(read_rows, None)
            if first is None:
                raise GalleryError(f"{file} has no rows.")
            yield first
            yield from read_rows
        except (GalleryError, OSError) as error:
            yield Example(name_of(file), None, BROKEN, str(error))


def count(files: Sequence[Path], signature: SignatureDef | None) -> int:
    """Returns about how many examples the files have: a picture each, the rows of an array, the lines of a table."""
    return sum(1 if is_image(file) else _count_rows(file, signature) for file in files)


def _count_rows(file: Path, signature: SignatureDef | None) -> int:
    try:
        if is_table(file):
            return count_rows(file)
        shape = arrays.load(file).shape
        size = shape_of(signature) or ()
        return shape[0] if len(shape) > len(size) or (len(shape) == len(size) and shape[1:] == size[:-1]) else 1
    except (GalleryError, OSError, IndexError):
        return 1


def is_image(file: Path) -> bool:
    """Returns whether the file is an image file, which holds one image. An NPY file can hold several images."""
    return file.suffix.lower() in IMAGES


def is_table(file: Path) -> bool:
    """Returns whether the file is a CSV, TSV or Parquet file."""
    return file.suffix.lower() in TABLES


def name_of(file: Path | str) -> str:
    """Returns the name of a file, or a text, for lines and tables.

    Bytes that are not UTF-8 become escapes, such as `\\xff`.
    """
    return os.fsencode(file).decode("utf-8", "backslashreplace")


def shape_of(signature: SignatureDef | None) -> tuple[int, ...] | None:
    """Returns the shape of one example, without the batch. None if the signature does not say it.

    -1 stands for any size.
    """
    specs = list(signature.inputs.values()) if signature else []
    return specs[0].shape[1:] if len(specs) == 1 and specs[0].shape else None


def _read_array(file: Path, signature: SignatureDef | None) -> Iterator[Example]:
    """Yields the rows of an NPY file, such as images (n, height, width, channels).

    The array can lack the first dimension if it holds one example, and the last dimension if the images are grey or the
    series have one feature.
    """
    values = arrays.load(file)
    size = shape_of(signature)
    if size is not None:
        if len(size) == 3 and size[-1] == 1 and values.ndim in (2, 3) and _fits(values.shape[-2:], size[:2]):
            values = values[..., None]
        if size == (-1, 1) and values.ndim == 1:
            values = values[:, None]
        if _fits(values.shape, size):
            values = values[None]
        if not _fits(values.shape[1:], size):
            expected = ("n", *(each if each >= 0 else "any" for each in size))
            raise GalleryError(f"Expected an array of shape {expected} in {file}. Received: {values.shape}.")
    elif not values.ndim:
        raise GalleryError(f"Expected an array with a row for each example in {file}. Received: one number.")
    # A warning about the values of a batch names one file.
    group = (values.shape[1:], values.dtype, file if len(values) > 1 else None)
    name = name_of(file)
    for number, row in enumerate(values):
        yield Example(name, number, ARRAY, row, row.nbytes, group)


def _fits(shape: Sequence[int], size: Sequence[int]) -> bool:
    """Returns whether the shape has the given size, in which -1 stands for any size."""
    return len(shape) == len(size) and all(want in (-1, got) for got, want in zip(shape, size, strict=True))


def _read_table(file: Path, signature: SignatureDef | None, rows: SignatureDef | None) -> Iterator[Example]:
    """Yields the rows of a table. If the examples of the model are sequences, the table is one sequence."""
    name, size = name_of(file), shape_of(signature)
    if rows is None and size and len(size) == 2 and size[0] < 0 and file.suffix.lower() != ".parquet":
        from .series import known_series
        from .series import read as read_series

        series = read_series(file, known_series(signature)).values
        yield Example(name, None, ARRAY, series, series.nbytes, (series.shape, series.dtype, file))
        return
    for number, (values, error) in enumerate(read_table(file, signature, rows)):
        if error:
            yield Example(name, number, BROKEN, error)
        elif rows is not None:
            yield Example(name, number, ROW, values, 16 * len(values))
        else:
            yield Example(name, number, ARRAY, values, values.nbytes, (values.shape, values.dtype, None))
