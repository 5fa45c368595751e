"""The option `--beam` of the commands that generate texts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..serving.client import Client
    from .call import Call

TASKS = ("translate", "pronounce", "caption")


def add_beam(parser: argparse.ArgumentParser, task: str) -> None:
    """Adds the option, if the task generates texts."""
    if task in TASKS:
        parser.add_argument(
            "--beam",
            type=int,
            metavar="N",
            help="search with the N best texts at each step, 1 to 16, and print the log-probability of the best text "
            "(default: take the most probable token at each step)",
        )


def beam_of(values: argparse.Namespace) -> int | None:
    """Returns the value of the option, or None without the option."""
    beam: int | None = getattr(values, "beam", None)
    return beam


def call_of(values: argparse.Namespace, client: Client, task: str, version: int | None = None) -> Call:
    """Returns the call of a task: of its signature for beam search, if the option is given."""
    from .call import Call

    beam = beam_of(values)
    if beam is None:
        return Call(client, values.name, task, version)
    return Call(client, values.name, f"{task}_beam", version, {"beam": beam})
