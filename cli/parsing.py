"""Parses the command line of `gallery`: the parsers, the help text and the usage errors."""

from __future__ import annotations

import argparse
import difflib
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from .commands import COMMANDS, GROUPS, load

WIDTH = 100  # characters of a line of help
INTRODUCTION = """\
usage: gallery COMMAND ...
       gallery COMMAND --help
       gallery --version

Trains Keras models, exports them as SavedModels and serves them. Start with: gallery demo
"""


class UsageError(ValueError):
    """The command line has an unknown command, an unknown option or an invalid value."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError. For an unknown option, the message suggests similar options."""

    def __init__(self, **options: object) -> None:
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,  # type: ignore[arg-type]
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raises UsageError for unknown arguments. The message suggests similar options."""
        option = unknown[0].split("=")[0]
        close = difflib.get_close_matches(option, list(self._option_string_actions), n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else f"See: {self.prog} --help"
        kind = "option" if option.startswith("-") else "argument"
        raise UsageError(f"Unknown {kind} of {self.prog}: {unknown[0]}. {hint}")


class MainParser(Parser):
    """The parser of `gallery` itself, whose help lists the commands in groups.

    Attributes:
        children: the parser of each command.
    """

    def __init__(self) -> None:
        super().__init__(prog="gallery")
        self.children: dict[str, argparse.ArgumentParser] = {}

    def format_help(self) -> str:
        lines = [INTRODUCTION]
        width = max(map(len, COMMANDS))
        for title, names in GROUPS.items():
            lines += [f"{title}:", *(f"    {name:{width}}  {load(name).help}" for name in names), ""]
        return "\n".join(lines)


def build_parser(configured: Sequence[str] = COMMANDS, arguments: Sequence[str] = ()) -> MainParser:
    """Returns the parser of `gallery`.

    Args:
        configured: the commands whose options are added. The options of `train` can take seconds to add.
        arguments: the arguments after the command's name.
    """
    parser = MainParser()
    parser.add_argument("--version", dest="print_version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name in COMMANDS:
        command = load(name)
        examples = "\n".join(f"    {example}" for example in command.examples)
        child = commands.add_parser(
            name,
            help=command.help,
            description=textwrap.fill(command.description, WIDTH),
            epilog=f"examples:\n{examples}",
        )
        if name in configured:
            command.configure(child, arguments)
            child.set_defaults(execute=command.run, parser=child)
        parser.children[name] = child
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parses a command line.

    Returns:
        The values of the options. `execute` is the function that runs the command, or None without a command.

    Raises:
        UsageError: the command line has an unknown command, an unknown option or an invalid value.
    """
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in COMMANDS:
        close = difflib.get_close_matches(first, COMMANDS, n=1)
        hint = f"Did you mean {close[0]}?" if close else "See: gallery --help"
        raise UsageError(f"Unknown command: {first}. {hint}")
    parser = build_parser([first], arguments[1:])
    parser.set_defaults(execute=None, parser=parser)
    values, unknown = parser.parse_known_args(arguments)
    if unknown:
        values.parser.refuse(unknown)
    return values
