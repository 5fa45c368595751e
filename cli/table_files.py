"""Writes a table of answers as a Parquet, NPZ, NPY or CSV file, one part at a time."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

ROW = "row"  # the column with the row of an example in its file; -1 for a picture or a text
CSV_ROWS = 256  # rows that become text at the same time
CHUNK_BYTES = 1 << 22  # of an NPY file that are made at the same time


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the name of the column.
        dtype: the NumPy dtype of all parts. `object` for texts.
        shape: the shape of one value; () for a number or a text.
    """

    name: str
    dtype: Any
    shape: tuple[int, ...]

    @property
    def is_text(self) -> bool:
        return bool(self.dtype.kind == "O")


@dataclass(frozen=True)
class Table:
    """Parts of a table: files of `save_part`.

    Attributes:
        files: the files of the parts.
        columns: the column with the names of the files (or the texts), the column `row` if a file has rows, and the
            outputs.
        count: the number of rows.
        about: the model, its version and the task.
    """

    files: list[Path]
    columns: list[Column]
    count: int
    about: dict[str, Any]

    @classmethod
    def of(cls, files: list[Path], about: dict[str, Any]) -> Table:
        """Returns the table of these parts. Reads only the headers and the row numbers.

        Raises GalleryError if a part has other columns than the first part.
        """
        import numpy as np

        found: dict[str, Column] = {}
        count, has_rows = 0, False
        for file in files:
            headers = _headers(file)
            if found and {name: shape[1:] for name, (shape, _) in headers.items()} != {
                each.name: each.shape for each in found.values()
            }:
                raise GalleryError(f"{file} has other columns than the other parts. Delete its folder to start again.")
            for name, (shape, dtype) in headers.items():
                known = found[name].dtype if name in found else dtype
                found[name] = Column(name, np.promote_types(known, dtype), shape[1:])
            count += headers[ROW][0][0]
            has_rows = has_rows or bool((read_part(file, [ROW])[ROW] >= 0).any())
        return cls(files, [each for each in found.values() if each.name != ROW or has_rows], count, about)

    @property
    def names(self) -> list[Column]:
        """The columns that say which example a row belongs to."""
        return [column for number, column in enumerate(self.columns) if number == 0 or column.name == ROW]

    @property
    def outputs(self) -> list[Column]:
        return [column for column in self.columns if column not in self.names]

    def chunks(self, name: str) -> Iterator[Array]:
        """Yields the values of a column, one part at a time."""
        for file in self.files:
            yield read_part(file, [name])[name]

    def blocks(self) -> Iterator[dict[str, Array]]:
        """Yields the values of all columns, one part at a time."""
        for file in self.files:
            yield read_part(file, [ROW, *(column.name for column in self.columns)])


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
    """A column for each number: `code_0`, `code_1` and so on."""
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
    return [f"{column.name}_{number}" for number in range(math.prod(column.shape))]


def _cells(values: Array) -> list[list[Any]]:
    """Returns the cells of rows. Floats have as many digits as are needed to read the same float32 again."""
    rows: list[list[Any]] = values.tolist()
    if values.dtype.kind != "f" or values.dtype.itemsize > 4:
        return rows
    return [[f"{value:.9g}" for value in row] for row in rows]


def save_part(file: IO[bytes], columns: dict[str, Array]) -> None:
    """Writes a part of a table: an NPZ file with an array for each column, or a list in JSON for a column of texts."""
    import numpy as np

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, values in columns.items():
            if values.dtype.kind == "O":
                archive.writestr(f"{name}.json", json.dumps(values.tolist()))
                continue
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(values), (1, 0), allow_pickle=False)


def read_part(file: Path, names: Sequence[str]) -> dict[str, Array]:
    """Returns columns of a part of a table."""
    import numpy as np

    with np.load(file, allow_pickle=False) as content:
        return {
            name: content[name] if name in content.files else np.array(json.loads(content[f"{name}.json"]), object)
            for name in names
        }


def _headers(file: Path) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Returns the shape and dtype of each column in a part. Does not read the columns. The shape of texts is (0,)."""
    import numpy as np

    found: dict[str, tuple[tuple[int, ...], Any]] = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.namelist():
            if member.endswith(".json"):
                found[member.removesuffix(".json")] = ((0,), np.dtype(object))
                continue
            with archive.open(member) as opened:
                np.lib.format.read_magic(opened)
                shape, _, dtype = np.lib.format.read_array_header_1_0(opened)
                found[member.removesuffix(".npy")] = (shape, dtype)
    return found
