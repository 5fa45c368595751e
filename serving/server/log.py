"""Sets up the log that the server's processes write to stderr."""

from __future__ import annotations

import logging
import sys


def set_up_logging() -> None:
    """Writes log records of level INFO and above to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
