"""`Command`, the description of a command of `gallery`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SAVED_MODELS = "saved_models"  # the default folder of exported models


@dataclass(frozen=True)
class Command:
    """A command of `gallery`.

    Attributes:
        help: the command's line in `gallery --help`.
        description: what the command does, for `gallery COMMAND --help`.
        examples: complete command lines. They work if the models and files that they name exist.
        configure: adds the command's options to a parser. The second argument is the command's own arguments.
        run: runs the command and returns the exit status.
    """

    help: str
    description: str
    examples: Sequence[str]
    configure: Callable[[argparse.ArgumentParser, Sequence[str]], None]
    run: Callable[[argparse.Namespace], int]


def no_options(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds no options: the `configure` function of a command without options."""


def serve_command(name: str, saved_models: str) -> str:
    """Returns the command line that serves an exported model, such as "gallery serve denoising_autoencoder"."""
    folder = [] if saved_models == SAVED_MODELS else ["--saved-models", saved_models]
    return shlex.join(["gallery", "serve", name, *folder])
