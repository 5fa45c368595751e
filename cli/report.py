"""Counts the answers of a command, and prints its warnings and errors."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from ..models.errors import GalleryError
from ..serving.printable import printable
from .bulk import Answers
from .progress import Meter

SHOWN = 20  # of the errors of the rows of a file, if the errors are equal except for the numbers in them


class Report:
    """Counts the answers, and prints warnings at once and errors at the end."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._warned: set[str] = set()
        self.answered = 0
        self.errors: list[str] = []
        self._rows: Counter[tuple[str, str]] = Counter()  # the errors of rows, by file and kind of error

    def add(self, answers: Answers) -> None:
        """Counts the answers of a batch. Prints its warnings, but not again with other numbers."""
        self.answered += len(answers.examples) - len(answers.errors)
        for line in answers.warnings:
            kind = re.sub(r"[-+.\d]", "", line)
            if kind in self._warned:
                continue
            self._warned.add(kind)
            self._meter.clear()
            print(printable(f"gallery: warning: {line}"), file=sys.stderr)
        self._meter.add(len(answers.examples))

    def add_errors(self, answers: Answers) -> None:
        """Keeps the errors of a batch. Of equal errors of the rows of a file, keeps the first `SHOWN`."""
        for place, line in answers.errors.items():
            example = answers.examples[place]
            kind = (example.name, re.sub(r"[-+.\d]", "", line))
            if example.row is not None:
                self._rows[kind] += 1
            if self._rows[kind] <= SHOWN:
                self.errors.append(line)

    def failed(self, file: Path, error: Exception) -> None:
        """Keeps the error of writing the answer for a file."""
        text = str(error).partition("\n")[0] if isinstance(error, GalleryError) else f"Cannot write the answer: {error}"
        self.errors.append(text if str(file) in text else f"{file}: {text}")
        self.answered -= 1

    def close(self, is_single: bool) -> int:
        """Prints the errors. Returns the exit status: 0, or 1 if there are errors.

        Args:
            is_single: whether the command has only one input.

        Raises:
            GalleryError: the only input is bad.
        """
        self._meter.clear()
        if is_single and len(self.errors) == 1 and not self.answered:
            raise GalleryError(self.errors[0])
        more = [
            f"{name}: the same for {count - SHOWN:,} more rows"
            for (name, _), count in self._rows.items()
            if count > SHOWN
        ]
        for line in [*self.errors, *more]:
            print(printable(f"gallery: {line}"), file=sys.stderr)
        return 1 if self.errors else 0
