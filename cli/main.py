"""The `gallery` command: finds the command's module, parses, and turns errors into one line and a status.

Each command is a module here, `classify-text` is `classify_text.py` and `import` is `import_.py`, with `HELP`,
`configure(parser, arguments)` and `run(values) -> exit status`. Modules import what is slow (Keras, TensorFlow) in
`run` only.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import keyword
import sys
from collections.abc import Sequence
from typing import NoReturn

COMMANDS = (
    *("list", "show", "train", "export", "import", "doctor", "serve"),
    *("encode", "denoise", "colorize", "generate", "classify", "segment", "detect", "caption"),
    *("classify-text", "translate", "pronounce", "nearest", "forecast"),
    *("results", "demo"),
)


class UsageError(ValueError):
    """A command line that makes no sense."""


class Parser(argparse.ArgumentParser):
    """Reports errors in one line and suggests the option that was meant."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raises UsageError for arguments that nobody knows."""
        option = unknown[0].split("=")[0]
        close = difflib.get_close_matches(option, list(self._option_string_actions), n=3)
        known = f"did you mean {' or '.join(close)}?" if close else f"see {self.prog} --help"
        raise UsageError(f"Expected an option of {self.prog} ({known}). Received: {unknown[0]}")


def module_of(command: str) -> str:
    """The name of a command's module."""
    return command.replace("-", "_") + "_" * keyword.iskeyword(command)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The values of a command line, `values.execute` among them. Raises UsageError."""
    parser = Parser(prog="gallery", description="Keras models, from training to serving.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f".{module_of(name)}", __package__)
        child = commands.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False)
        if arguments[:1] == [name]:
            module.configure(child, arguments[1:])
            child.set_defaults(execute=module.run, parser=child)
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        close = difflib.get_close_matches(arguments[0], COMMANDS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(f"Expected a command: {', '.join(COMMANDS)}. Received: {arguments[0]}.{hint}")
    values, unknown = parser.parse_known_args(arguments)
    if unknown:
        values.parser.refuse(unknown)
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status is 0, 2 for what the user can mend, 130 after Ctrl-C."""
    from ..models.errors import GalleryError
    from ..serving.errors import ServingError

    try:
        values = parse(list(sys.argv[1:] if arguments is None else arguments))
        return int(values.execute(values))
    except (UsageError, GalleryError, ServingError) as error:
        line = str(error).partition("\n")[0]  # TensorFlow adds where in the graph it was
        print(f"gallery: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gallery: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
