"""The parts of a table of answers: NPZ files that are written while a command runs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

ROW = "row"  # the column with the row of an example in its file; -1 for a picture or a text


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the name of the column.
        dtype: the NumPy dtype of all parts. `object` for texts.
        shape: the shape of one value; () for a number or a text.
        labels: what each number of a vector stands for, such as a class. () if it is not known.
    """

    name: str
    dtype: Any
    shape: tuple[int, ...]
    labels: tuple[str, ...] = ()

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
    def of(cls, files: list[Path], about: dict[str, Any], labels: Mapping[str, tuple[str, ...]]) -> Table:
        """Returns the table of these parts, with the labels by the name of the column.

        Reads only the headers and the row numbers.

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
                found[name] = Column(name, np.promote_types(known, dtype), shape[1:], labels.get(name, ()))
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
