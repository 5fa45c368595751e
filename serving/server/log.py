"""What the server's processes write to stderr."""

from __future__ import annotations

import logging
import sys


def set_up_logging() -> None:
    """One line an event; the libraries' own chatter only where it is a warning."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("uvicorn.error", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a client was gone before its answer, which gRPC reports with a traceback each time."""
    return not record.exc_info or type(record.exc_info[1]).__name__ != "ExecuteBatchError"
