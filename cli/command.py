"""What a command consists of."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command of `gallery`.

    Attributes:
        help: its line in `gallery --help`.
        description: what it does, for its own `--help`.
        examples: command lines that work as they stand, given the models and files that they name.
        configure: adds its options to a parser. It also receives the arguments of the command line.
        run: runs it and returns the exit status. Only this function imports slow packages such as Keras.
    """

    help: str
    description: str
    examples: Sequence[str]
    configure: Callable[[argparse.ArgumentParser, Sequence[str]], None]
    run: Callable[[argparse.Namespace], int]


def no_options(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """The `configure` of a command without options."""
