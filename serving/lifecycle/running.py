"""Records in shared memory which servables a process runs, so that the manager knows what ran when the process ends."""

from __future__ import annotations

import itertools
import mmap
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Self

from ..engines.base import Arrays, Runner

CELLS = 512  # one for each thread; further threads share these cells


class RunningIds:
    """The ids of the servables that run in a process, in memory that another process can read.

    Args:
        file: the file descriptor of the memory.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._memory = mmap.mmap(file, CELLS * 8)
        self._cells = memoryview(self._memory).cast("Q")
        self._numbers = itertools.count()
        self._thread = threading.local()

    @classmethod
    def create(cls) -> Self:
        """Returns an empty record in new memory."""
        if hasattr(os, "memfd_create"):
            file = os.memfd_create("running")
        else:
            with tempfile.TemporaryFile() as temporary:
                file = os.dup(temporary.fileno())
        try:
            os.truncate(file, CELLS * 8)
            return cls(file)
        except BaseException:
            os.close(file)
            raise

    def fileno(self) -> int:
        return self._file

    def read(self) -> set[int]:
        """Returns the ids of the servables that run."""
        return {id for id in self._cells if id}

    def close(self) -> None:
        self._cells.release()
        self._memory.close()
        os.close(self._file)

    def mark(self, runner: Runner, id: int) -> Runner:
        """Returns a runner that does the same as `runner`, and records when it runs."""
        return MarkedRunner(runner, id, self._cells, self._cell)

    def _cell(self) -> int:
        """Returns the index of this thread's cell."""
        try:
            return self._thread.cell  # type: ignore[no-any-return]
        except AttributeError:
            self._thread.cell = next(self._numbers) % CELLS
            return self._thread.cell  # type: ignore[no-any-return]


class MarkedRunner:
    """A runner that writes its id into the cell of the thread while it runs."""

    __slots__ = ("_cell", "_cells", "_id", "_runner", "can_join", "close", "engine")

    def __init__(self, runner: Runner, id: int, cells: memoryview[int], cell: Callable[[], int]) -> None:
        self._runner, self._id, self._cells, self._cell = runner, id, cells, cell
        self.engine, self.can_join, self.close = runner.engine, runner.can_join, runner.close

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        cells, cell = self._cells, self._cell()
        cells[cell] = self._id
        try:
            return self._runner(inputs, outputs)
        finally:
            cells[cell] = 0
