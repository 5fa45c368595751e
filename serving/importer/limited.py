"""Runs a program with limits on memory and processor time: `python -m … MEMORY SECONDS PROGRAM ARGUMENT …`.

The program replaces this process. The processes that the program starts have the same limits.
"""

from __future__ import annotations

import os
import sys

from .sandbox import limit


def main() -> None:
    memory, seconds, *program = sys.argv[1:]
    limit(int(memory), float(seconds))
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
