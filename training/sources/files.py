"""Reads files of a user's own data: CSV, TSV, Parquet, NPY, NPZ and lines of text.

Larger files than the limits below are refused, and pickled objects are not loaded.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .table import Table, listed, shown

MOST_BYTES = 2**30  # largest size of a text file, uncompressed, and of a Parquet file in memory
MOST_ARRAY_BYTES = 2**33  # largest size of all arrays together
MOST_BITS = 14_000  # of an integer in a DataFrame. Python converts no integer with more than 4,300 digits to a text.
PARQUET_ROWS = 1024  # rows that are read at the same time
QUOTED = re.compile(r'"(?:[^"]|"")*"')
TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq")
ARRAYS = (".npz", ".npy")
LINES = (".txt", ".text")


def suffix_of(path: Path) -> str:
    """Returns the suffix of a file without `.gz`, in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return (suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])) or ""


def read_bytes(path: Path) -> bytes:
    """Returns the contents of a text file, uncompressed.

    Raises:
        BadData: the file cannot be read, or is larger than `MOST_BYTES`.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None
    if len(content) > MOST_BYTES:
        raise BadData(
            f"{path.name} is larger than {MOST_BYTES / 2**20:,.0f} MiB. Convert it to NPZ, or take fewer rows."
        )
    return content


def read_text(path: Path) -> str:
    """Returns the text of a UTF-8 file.

    Raises:
        BadData: the file cannot be read, is too large, or is not in UTF-8.
    """
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{path.name} is not in UTF-8 (byte 0x{content[error.start]:02x} in line {line}). Save it in UTF-8."
        ) from None
    if "\0" in text:
        raise BadData(f"{path.name} is not a text file in UTF-8: it has a NUL character.")
    return text


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a UTF-8 file without blanks around them. Empty lines are left out."""
    return [line for line in map(str.strip, read_text(path).split("\n")) if line]


def read_table(path: Path, as_text: Callable[[str], bool]) -> Table:
    """Reads a CSV, TSV or Parquet file.

    A CSV file needs a header line with the names of the columns. Columns are separated by commas, semicolons, tabs or
    vertical bars, whichever is most frequent in the header.

    Args:
        path: the file. CSV and TSV may be compressed (`.gz`).
        as_text: returns whether a column is read as texts, exactly as it is in the file.

    Raises:
        BadData: the file cannot be read, is too large, or is not a table with a header.
    """
    return _parquet(path) if suffix_of(path) in (".parquet", ".pq") else _separated(path, as_text)


def _parquet(path: Path) -> Table:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise BadData(f"Reading {path.name} needs pyarrow: pip install pyarrow") from None
    try:
        with parquet.ParquetFile(path) as file:
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            size = sum(group.total_byte_size for group in groups)
            if max(size, 8 * file.metadata.num_rows * file.metadata.num_columns) > MOST_ARRAY_BYTES:
                raise BadData(f"{path.name} is larger than {MOST_ARRAY_BYTES / 2**30:.0f} GiB in memory.")
            table = arrow.Table.from_batches(_limited(file, path), file.schema_arrow)
        try:
            frame = table.to_pandas()
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError):  # what pandas wrote is damaged
            frame = table.replace_schema_metadata(None).to_pandas()
    except (OSError, arrow.ArrowException) as error:
        raise BadData(f"Cannot read {path}: {shown(str(error).splitlines()[0])}") from None
    return table_of(frame, path.name)


def _limited(file: Any, path: Path) -> Iterator[Any]:
    """Yields the batches of a Parquet file. A text that is stored once can be in millions of rows, so they are counted.

    Raises:
        BadData: the table is too large.
    """
    size = 0
    for batch in file.iter_batches(PARQUET_ROWS):
        size += batch.nbytes
        if size > MOST_ARRAY_BYTES:
            raise BadData(f"{path.name} is larger than {MOST_ARRAY_BYTES / 2**30:.0f} GiB in memory.")
        yield batch


def table_of(frame: Any, name: str) -> Table:
    """Returns a pandas DataFrame as a `Table`.

    Raises:
        BadData: the frame has no rows, or two columns of the same name.
    """
    named = [each for each in frame.index.names if each is not None]
    frame = frame.reset_index(drop=not named or named == ["index"])
    try:
        frame.columns = [str(each).strip() for each in frame.columns]
    except ValueError:  # an integer
        raise BadData(f"{name} has a column whose name has thousands of digits. Give it a name.") from None
    _check_names(list(frame.columns), name)
    if not len(frame):
        raise BadData(f"{name} has no rows.")
    for column in frame.columns[frame.dtypes == "object"]:
        long = frame[column].map(lambda value: isinstance(value, int) and value.bit_length() > MOST_BITS)
        if long.any():
            raise BadData(
                f"The column {column} of {name} has an integer with thousands of digits in row "
                f"{np.flatnonzero(long)[0] + 1}. Convert it to a text or a float."
            )
    return Table(frame, name)


def _check_names(names: list[str], file: str) -> None:
    duplicates = sorted(name for name, count in Counter(names).items() if count > 1)
    if duplicates:
        raise BadData(f"{file} has several columns with the name {listed(duplicates)}. Give each column its own name.")


def _separated(path: Path, as_text: Callable[[str], bool]) -> Table:
    import pandas as pd

    text = read_text(path)
    separator = "\t" if suffix_of(path) in (".tsv", ".tab") else _separator(text)
    quoting = csv.QUOTE_NONE if separator == "\t" and not _is_quoted(text) else csv.QUOTE_MINIMAL
    header = [name.strip() for name in next(_records(text, separator, quoting), (0, [""]))[1]]
    _check_header(header, path.name)
    records = partial(_records, text, separator, quoting, blank=len(header) == 1)

    def read(texts: Iterable[str]) -> Any:
        return pd.read_csv(
            io.BytesIO(text.encode()),
            sep=separator,
            quoting=quoting,
            names=header,
            header=0,
            index_col=False,
            dtype=dict.fromkeys(texts, str),
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=separator != "\t",
            skip_blank_lines=len(header) > 1,
            low_memory=False,
        )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # values without a column
            texts = {name for name in header if as_text(name)}
            frame = read(texts)
            # A served model receives truth values as they are in the file, such as "true". pandas makes them True.
            flags = {name for name in header if pd.api.types.infer_dtype(frame[name], skipna=True) == "boolean"}
            frame = read(texts | flags) if flags else frame
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        if "inside string" in str(error):
            raise BadData(f"Cannot read {path.name}: a quotation mark is not closed.") from None
        long = next(((line, values) for line, values in records() if any(values[len(header) :])), None)
        if long is None:
            raise BadData(f"Cannot read {path.name}: {shown(str(error).splitlines()[0])}.") from None
        raise BadData(
            f"Line {long[0]} of {path.name} has {len(long[1])} values, but the header has {len(header)}."
        ) from None
    if separator == ";":
        _read_decimal_commas(frame, as_text)
    last = frame[frame.notna().any(axis=1)].index.max()  # the blank lines at the end are no rows
    if not len(frame) or last != last:
        raise BadData(f"{path.name} has no rows below its header.")

    def place(row: int) -> str:
        return f"line {next((line for number, (line, _) in enumerate(records()) if number == row + 1), row + 2)}"

    return Table(frame.loc[:last], path.name, place)


def _separator(text: str) -> str:
    header = QUOTED.sub("", text.lstrip().split("\n", 1)[0])
    return max(",;\t|", key=header.count)


def _is_quoted(text: str) -> bool:
    """Returns whether values of a TSV file are quoted as in CSV. If not, quotation marks are part of the texts."""
    if '"' not in text:
        return False
    try:
        lengths = {len(each) for each in csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True) if each}
    except csv.Error:
        return False
    return len(lengths) == 1


def _records(text: str, separator: str, quoting: Any, blank: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the first line and the values of each record. Blank lines are left out, unless `blank`."""
    csv.field_size_limit(MOST_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    line = 1
    for values in reader:
        if blank or any(value.strip() for value in values) or len(values) > 1:
            yield line, values
        line = reader.line_num + 1


def _check_header(names: list[str], file: str) -> None:
    if not any(names):
        raise BadData(f"{file} is empty.")
    if not all(names):
        raise BadData(f"Column {names.index('') + 1} of {file} has no name. Name each column in the first line.")
    if all(re.fullmatch(r"[-+.\deE]+", name) for name in names):
        raise BadData(f"The first line of {file} has numbers, not the names of the columns. Add a header line.")
    _check_names(names, file)


def _read_decimal_commas(frame: Any, as_text: Callable[[str], bool]) -> None:
    """Converts columns with decimal commas, such as 3,14, to numbers."""
    from pandas.api.types import is_numeric_dtype

    for name in frame.columns:
        column = frame[name]
        if as_text(name) or is_numeric_dtype(column):
            continue
        if column.dropna().astype(str).str.fullmatch(r"\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*").all():
            frame[name] = column.str.replace(",", ".").astype(float)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an NPZ file by name, or the array of an NPY file as `x`.

    Raises:
        BadData: the file cannot be read, is too large, or has pickled objects.
    """
    try:
        if suffix_of(path) == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            _check_size(array.nbytes, path)
            return {"x": np.array(array)}
        with zipfile.ZipFile(path) as members:
            _check_size(sum(member.file_size for member in members.infolist()), path)
        with np.load(path, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        if other := next((name for name, array in arrays.items() if not isinstance(array, np.ndarray)), None):
            raise ValueError(f"{other} is not an array")
        return arrays
    except BadData:
        raise
    except Exception as error:  # NumPy and zipfile raise errors of many classes for damaged files
        hint = (
            " Save texts as NumPy strings, not as objects."
            if "pickle" in str(error) or "Python objects" in str(error)
            else ""
        )
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise BadData(f"Cannot read {path}: {reason}.{hint}") from None


def _check_size(size: int, path: Path) -> None:
    if size > MOST_ARRAY_BYTES:
        raise BadData(f"{path.name} is larger than {MOST_ARRAY_BYTES / 2**30:.0f} GiB in memory.")
