"""Sets up the log that the server's processes write to stderr."""

from __future__ import annotations

import logging
import sys
import textwrap
from types import TracebackType

from ..printable import printable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Formatter(logging.Formatter):
    """Writes each record as one line, followed by an indented traceback if the record has an exception.

    Names in requests and error messages cannot forge a line, because line breaks in a message are escaped.
    """

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        lines = super().formatException(ei).splitlines()
        return textwrap.indent("\n".join(map(printable, lines)), "    ")

    def formatStack(self, stack_info: str) -> str:
        return textwrap.indent("\n".join(map(printable, stack_info.splitlines())), "    ")


def set_up_logging() -> None:
    """Writes log records of level INFO and above to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
