"""Sends the inputs of a command in batches, and writes or prints the answers. Lists the bad inputs at the end."""

from __future__ import annotations

import argparse
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import files, served, tables
from .beam import beam_of, call_of
from .bulk import Answers, Bulk
from .examples import PICTURE, Example, count, texts
from .progress import Meter
from .report import Report
from .table_files import WRITERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .call import Call, Outputs

    Array = NDArray[Any]


TABLE_HELP = f"file for all answers ({', '.join(WRITERS)})"  # of the option --output


@dataclass
class FileAnswers:
    """The answers for one file or one text.

    Attributes:
        name: the file or the text.
        examples: the examples that have an answer: a picture, rows of an array or a table, or the text.
        outputs: the outputs, with a row for each of these examples.
        errors: an error message for each other example.
    """

    name: str
    examples: list[Example] = field(default_factory=list)
    parts: list[Outputs] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> Outputs:
        import numpy as np

        if len(self.parts) == 1:
            return self.parts[0]
        return {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}


class Sending:
    """Sends the inputs of a command.

    Args:
        values: the options of the command, with those of `files.add_bulk`.
        call: the task and the model.
        inputs: files or texts.
    """

    def __init__(self, values: argparse.Namespace, call: Call, inputs: Sequence[Path] | Sequence[str]) -> None:
        self._values, self._call, self._inputs = values, call, inputs
        self._meter = Meter(self._count)
        self._bulk = Bulk(call, lambda: call.introduce(files.connect(values)), values.batch_size, values.in_flight)
        self.report = Report(self._meter)

    def print(self, line: str) -> None:
        """Prints a line of the command's results."""
        self._meter.clear()
        print(line)

    def print_rows(self, rows: Callable[[Outputs], Iterable[tuple[str, ...]]]) -> None:
        """Prints a line for each example: its name, and the columns that `rows` makes from the outputs."""
        for answers in self.answers():
            self.report.add_errors(answers)
            good = [each for place, each in enumerate(answers.examples) if place not in answers.errors]
            columns = rows(tables.plain(answers.outputs)) if good else ()
            for example, row in zip(good, columns, strict=True):
                self.print("\t".join(map(printable, (example.title, *row))))

    def answers(self, done: Counter[tuple[str, int]] | None = None) -> Iterator[Answers]:
        """Yields the answers in the order of the inputs.

        Args:
            done: how many examples with this name and row are left out.
        """
        with _ended_by_signal():
            for answers in self._bulk.answers(self._examples(Counter(done))):
                self.report.add(answers)
                yield answers

    def by_input(self) -> Iterator[FileAnswers]:
        """Yields the answers for each file or text, in order."""
        current: FileAnswers | None = None
        for answers in self.answers():
            row = 0
            for place, example in enumerate(answers.examples):
                # A file that cannot be read to its end has an example without a row after its rows.
                starts = current is None or current.name != example.name or example.row == 0
                if starts and current is not None:
                    yield current
                if starts or current is None:
                    current = FileAnswers(example.name)
                if place in answers.errors:
                    current.errors.append(answers.errors[place])
                else:
                    current.examples.append(example)
                    current.parts.append({name: values[row : row + 1] for name, values in answers.outputs.items()})
                    row += 1
                if example.form == PICTURE:
                    yield current
                    current = None
        if current is not None:
            yield current

    def close(self) -> int:
        """Prints the errors. Returns the exit status. Raises GalleryError if the only input is bad."""
        return self.report.close(len(self._inputs) == 1)

    def _examples(self, done: Counter[tuple[str, int]]) -> Iterator[Example]:
        for example in self._read():
            key = (example.name, -1 if example.row is None else example.row)
            if done[key] > 0:
                done[key] -= 1
                self._meter.add(skipped=1)
            else:
                yield example

    def _read(self) -> Iterable[Example]:
        files = _paths(self._inputs)
        return self._call.read(files) if files else texts(map(str, self._inputs))

    def _count(self) -> int:
        files = _paths(self._inputs)
        return count(files, self._call.signature) if files else len(self._inputs)


def write_table(
    values: argparse.Namespace,
    task: str,
    inputs: Callable[[], Sequence[Path] | Sequence[str]],
    select: Callable[[Outputs], Outputs] | None = None,
) -> int:
    """Sends the inputs, and writes all answers to the file `values.output`.

    All answers are of the same version of the model.

    Args:
        values: the options of the command.
        task: the name of the signature.
        inputs: returns the files or the texts.
        select: chooses and shapes the outputs. By default, the table has all outputs, and numbers and texts come before
            arrays.

    Returns:
        The exit status of the command.
    """
    output: Path = values.output
    tables.check(output)
    found = inputs()
    with files.connect(values) as client:
        version = served.newest_version(client, values.name)
        call = call_of(values, client, task, version)
        sending = Sending(values, call, found)
        about = {"model": values.name, "version": version, "task": task}
        if (beam := beam_of(values)) is not None:
            about["beam"], select = beam, _best
        first = "file" if isinstance(found[0], Path) else "input"
        parts = tables.Parts(output, first, about, values.resume, call.labels)
        try:
            for answers in sending.answers(parts.done):
                sending.report.add_errors(answers)
                if answers.outputs:
                    good = [each for place, each in enumerate(answers.examples) if place not in answers.errors]
                    parts.add(good, tables.plain((select or _in_order)(answers.outputs)))
            rows = parts.finish()
        except BaseException as error:
            parts.leave()
            if isinstance(error, OSError):
                raise GalleryError(f"Cannot write {output}: {error.strerror or error}.") from None
            raise
        status = sending.close()
    if rows:
        print(f"{rows:,} rows -> {printable(output)}")
    return status


def _paths(inputs: Sequence[Path] | Sequence[str]) -> list[Path]:
    """Returns the inputs if they are files, and an empty list if they are texts."""
    return [each for each in inputs if isinstance(each, Path)]


def _best(outputs: Outputs) -> Outputs:
    return {name: outputs[name] for name in ("text", "score")}


def _in_order(outputs: Outputs) -> Outputs:
    return dict(sorted(outputs.items(), key=lambda item: (item[1].ndim, item[0])))


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Ends the command by SystemExit if another process asks it to end, so that files are closed and removed."""

    def end(*_: Any) -> None:
        raise SystemExit(143)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
