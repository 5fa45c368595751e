"""Sets up the log that the server's processes write to stderr."""

from __future__ import annotations

import logging
import sys


def set_up_logging() -> None:
    """Writes log records of level INFO and above to stderr. From uvicorn, writes only warnings and errors."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for name in ("uvicorn.error", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_relevant)


def _is_relevant(record: logging.LogRecord) -> bool:
    """Returns False for the record with a traceback that gRPC logs if a client disconnects before the response."""
    return not record.exc_info or type(record.exc_info[1]).__name__ != "ExecuteBatchError"
