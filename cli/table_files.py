"""Writes a table of answers as a Parquet, NPZ, NPY or CSV file, one part at a time."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from .table_parts import ROW, Column, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CSV_ROWS = 256  # rows that become text at the same time
CHUNK_BYTES = 1 << 22  # of an NPY file that are made at the same time


Files = Iterator[tuple[Path, Callable[[IO[bytes]], None]]]  # the files of a table, each with a function that writes it


def parquet(output: Path, table: Table) -> Files:
    """A column of lists of fixed length for each output. Its metadata has the shape of a value, such as (28, 28, 1)."""
    pa, pq = import_pyarrow()

    def type_of(column: Column) -> Any:
        basic = pa.string() if column.is_text else pa.from_numpy_dtype(column.dtype)
        return pa.list_(basic, math.prod(column.shape)) if column.shape else basic

    def field_of(column: Column) -> Any:
        metadata = {"shape": json.dumps(column.shape)} if len(column.shape) > 1 else None
        return pa.field(column.name, type_of(column), metadata=metadata)

    schema = pa.schema(list(map(field_of, table.columns)), {"keras_gallery": json.dumps(table.about)})

    def array_of(column: Column, values: Array) -> Any:
        is_text = column.is_text
        flat = pa.array(values.ravel().tolist(), pa.string()) if is_text else pa.array(values.ravel())
        return pa.FixedSizeListArray.from_arrays(flat, math.prod(column.shape)) if column.shape else flat

    def write(file: IO[bytes]) -> None:
        with pq.ParquetWriter(file, schema) as writer:
            for block in table.blocks():
                found = [array_of(column, block[column.name]) for column in table.columns]
                writer.write_table(pa.Table.from_arrays(found, schema=schema))

    yield output, write


def npz(output: Path, table: Table) -> Files:
    """An array for each column."""

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for column in table.columns:
                with archive.open(f"{column.name}.npy", "w", force_zip64=True) as member:
                    _write_npy(member, table, column)

    yield output, write


def npy(output: Path, table: Table) -> Files:
    """The array of the first output, and beside it a CSV file with the name of each row: `codes.names.csv`."""
    numbers = [column for column in table.outputs if not column.is_text]
    if not numbers:
        raise GalleryError(f"An NPY file cannot hold texts: {output}. Use .parquet, .npz or .csv.")
    first = max(numbers, key=lambda column: math.prod(column.shape))
    yield output.with_name(output.stem + ".names.csv"), lambda file: _write_csv(file, table, table.names)
    yield output, lambda file: _write_npy(file, table, first)


def csv_file(output: Path, table: Table) -> Files:
    """A column for each number: `code_0`, `code_1` and so on, or `probability_cat`, `probability_dog` and so on."""
    yield output, lambda file: _write_csv(file, table, table.columns)


WRITERS: dict[str, Callable[[Path, Table], Files]] = {
    ".parquet": parquet,
    ".npz": npz,
    ".npy": npy,
    ".csv": csv_file,
}


def import_pyarrow() -> tuple[Any, Any]:
    """Returns the modules `pyarrow` and `pyarrow.parquet`. Raises GalleryError if they are not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise GalleryError(
            "Parquet files need the package pyarrow. In the folder of the project, run: pip install '.[parquet]'. Or "
            "choose a file that ends in .npz, .npy or .csv."
        ) from None
    return pa, pq


def _write_npy(file: IO[bytes], table: Table, column: Column) -> None:
    import numpy as np

    dtype = column.dtype
    if column.is_text:  # all texts of an NPY file have the same length
        longest = max((len(text) for values in table.chunks(column.name) for text in values), default=0)
        dtype = np.dtype(f"<U{max(1, longest)}")
    shape = (table.count, *column.shape)
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    step = max(1, CHUNK_BYTES // (dtype.itemsize * math.prod(column.shape)))
    for values in table.chunks(column.name):
        for start in range(0, len(values), step):
            file.write(values[start : start + step].astype(dtype).tobytes())


def _write_csv(file: IO[bytes], table: Table, columns: list[Column]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(itertools.chain.from_iterable(map(_headings, columns)))
    for block in table.blocks():
        count = len(block[ROW])
        for start in range(0, count, CSV_ROWS):
            values = [block[column.name][start : start + CSV_ROWS] for column in columns]
            cells = [_cells(each.reshape(len(each), -1)) for each in values]
            writer.writerows(itertools.chain.from_iterable(row) for row in zip(*cells, strict=True))
    text.detach()


def _headings(column: Column) -> list[str]:
    if not column.shape:
        return [column.name]
    labels = [printable(label) for label in column.labels]
    if column.shape == (len(set(labels)),):  # the labels differ
        name = "probability" if column.name == "probabilities" else column.name
        return [f"{name}_{label}" for label in labels]
    return [f"{column.name}_{number}" for number in range(math.prod(column.shape))]


def _cells(values: Array) -> list[list[Any]]:
    """Returns the cells of rows. Floats have as many digits as are needed to read the same float32 again."""
    rows: list[list[Any]] = values.tolist()
    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        return rows
    return [[f"{value:.9g}" for value in row] for row in rows]
