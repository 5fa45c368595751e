"""Collects the answers for many examples in parts on disk, and writes them as one table."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError
from .examples import Example
from .table_files import WRITERS, import_pyarrow
from .table_parts import ROW, Table, read_part, save_part

try:
    import fcntl
except ImportError:  # Windows: two commands with the same output are not noticed
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

PART_ROWS, PART_BYTES, PART_SECONDS = 16384, 16 << 20, 10.0  # a part is written when it reaches one of these
RUN = "run.json"
LOCK = "lock"  # a file with the number of the process that writes to the folder, and holds a lock on the file


def check(output: Path) -> None:
    """Raises GalleryError if the suffix of the file is not that of a table, or if a package is missing."""
    suffix = output.suffix.lower()
    if suffix not in WRITERS:
        raise GalleryError(f"Expected an output file that ends in {', '.join(WRITERS)}. Received: {output}.")
    if suffix == ".parquet":
        import_pyarrow()


def plain(outputs: dict[str, Array]) -> dict[str, Array]:
    """Returns the outputs with texts as objects, and with numbers of dtypes that all file formats have."""
    import numpy as np

    from ..serving.wire.tensor import as_bytes

    def one(values: Array) -> Array:
        if values.dtype.kind == "O":
            texts = [as_bytes(each).decode("utf-8", "replace") for each in values.ravel().tolist()]
            return np.array(texts, object).reshape(values.shape)
        is_small = values.dtype.kind == "V" or (values.dtype.kind == "f" and values.dtype.itemsize < 4)
        return values.astype(np.float32) if is_small else values

    return {name: one(values) for name, values in outputs.items()}


class Parts:
    """The answers so far, in a folder beside the table. If the command is stopped, `--resume` continues with them.

    Args:
        output: the file of the table.
        name: the name of the first column: "file" or "input".
        about: what must be the same if the command is continued: the model, its version and the task.
        resume: whether to continue an earlier command. Otherwise its parts must not exist.
        labels: the labels of the values of an output, by the name of the output.

    Attributes:
        folder: the folder of the parts, such as `codes.parquet.parts`.
        done: how many examples with this name and row have their answers.

    Raises:
        GalleryError: an earlier command has left parts and `resume` is false, the parts do not fit `about`, another
            command writes them, or the folder cannot be written.
    """

    def __init__(
        self,
        output: Path,
        name: str,
        about: dict[str, Any],
        resume: bool,
        labels: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._output, self._name, self._about, self._labels = output, name, about, labels
        self.folder = output.with_name(output.name + ".parts")
        self.done: Counter[tuple[str, int]] = Counter()
        self._blocks: list[tuple[list[tuple[str, int]], dict[str, Array]]] = []  # names and rows, and outputs
        self._written, self._bytes = time.monotonic(), 0
        self._shapes: dict[str, tuple[int, ...]] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()
        except OSError as error:
            raise GalleryError(f"Cannot write {output}: {error.strerror or error}.") from None
        try:
            self._begin(resume)
        except BaseException:
            self._release()
            raise

    def _begin(self, resume: bool) -> None:
        if self._files() and not resume:
            raise GalleryError(
                f"{self.folder} has the answers of a command that was stopped. Add --resume to continue it, or delete "
                "this folder to start again."
            )
        try:
            if self._files():
                self._continue(json.loads((self.folder / RUN).read_text()))
            else:
                self._replace(RUN, lambda file: file.write(json.dumps(self._about).encode()))
        except (ValueError, zipfile.BadZipFile, KeyError, EOFError, FileNotFoundError) as error:
            raise GalleryError(
                f"Cannot continue with {self.folder}: {error}. Delete this folder to start again."
            ) from None

    def _locked(self) -> IO[str]:
        """Locks the folder. Raises GalleryError if another process has locked it."""
        file = (self.folder / LOCK).open("a+")
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                file.seek(0)
                owner = file.read(20).strip()
            raise GalleryError(
                f"Another command writes {self._output} (process {owner}). Wait for its end, or choose "
                "another --output."
            ) from None
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)
        return file

    def _release(self) -> None:
        self._lock.close()

    def _continue(self, about: dict[str, Any]) -> None:
        for key, value in self._about.items():
            if about.get(key) != value:
                raise ValueError(f"it has answers of the {key} {about.get(key)}, not {value}")
        for part in self._files():
            names, rows = read_part(part, [self._name, ROW]).values()
            self.done.update(zip(names.tolist(), rows.tolist(), strict=True))

    def add(self, examples: Sequence[Example], outputs: dict[str, Array]) -> None:
        """Adds the answers for examples: arrays with a row for each example."""
        shapes = {name: values.shape[1:] for name, values in outputs.items()}
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            raise GalleryError(
                f"All answers of a table must have the same shape. Received: {self._shapes}, and {shapes} for "
                f"{examples[0].title}."
            )
        rows = [(example.name, -1 if example.row is None else example.row) for example in examples]
        self._blocks.append((rows, outputs))
        is_due = time.monotonic() - self._written > PART_SECONDS
        self._bytes += sum(values.nbytes for values in outputs.values()) + sum(len(name) for name, _ in rows)
        if is_due or self._bytes >= PART_BYTES or sum(len(rows) for rows, _ in self._blocks) >= PART_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes the answers that are not in a part yet."""
        import numpy as np

        # If the command is interrupted here, these answers are lost, but none is written twice.
        blocks, self._blocks = self._blocks, []
        self._written, self._bytes = time.monotonic(), 0
        if not blocks:
            return
        names, numbers = zip(*(row for rows, _ in blocks for row in rows), strict=True)
        columns = {name: np.concatenate([block[name] for _, block in blocks]) for name in blocks[0][1]}
        content = {self._name: np.array(names, object), ROW: np.array(numbers, np.int64), **columns}
        number = len(self._files())
        self._replace(f"{number:06}.npz", lambda file: save_part(file, content))

    def finish(self) -> int:
        """Writes the table, and removes the parts. Returns the number of its rows."""
        self.flush()
        if not (files := self._files()):
            self.discard()
            return 0
        table = Table.of(files, self._about, self._labels)
        writer = WRITERS[self._output.suffix.lower()]
        for target, write in writer(self._output, table):
            partial = self.folder / f".{target.name}"
            with partial.open("wb") as file:
                write(file)
            os.replace(partial, target)
        self.discard()
        return table.count

    def leave(self) -> None:
        """Keeps the parts for `--resume`, after an error or an interruption. Removes the folder if it has no parts."""
        self.flush()
        if not self._files():
            self.discard()
        self._release()

    def discard(self) -> None:
        """Removes the parts."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._release()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.npz"))

    def _replace(self, name: str, write: Any) -> None:
        """Writes a file of the folder atomically."""
        partial = self.folder / f".{name}"
        with partial.open("wb") as file:
            write(file)
        os.replace(partial, self.folder / name)
