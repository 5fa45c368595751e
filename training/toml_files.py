"""Reads the TOML files that a user passes to a command: recipes, and search spaces."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

MOST_BYTES = 1 << 14  # of a file. The time to read dotted keys is quadratic: 16 KiB of them take about 2 seconds.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # does not wait at a pipe


def read_toml(file: Path) -> dict[str, Any]:
    """Returns the content of a TOML file.

    Raises:
        ValueError: the file cannot be read, is not a regular file, is larger than `MOST_BYTES`, is not TOML in UTF-8,
            or has an integer with thousands of digits. The message says why.
    """
    try:
        with open(file, "rb", opener=lambda path, flags: os.open(path, FLAGS)) as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise ValueError("it is not a regular file")
            text = opened.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES / 2**10:.0f} KiB")
        content = tomllib.loads(text.decode("utf-8"))
        repr(content)  # an error for values that no message can show: a long hexadecimal number, or very deep lists
        return content
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    except RecursionError as error:
        raise ValueError(str(error)) from None
