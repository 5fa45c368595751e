"""The main function of `gallery`: runs a command, and converts an error to a one-line message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..loading import in_a_command, missing
from ..models.errors import GalleryError
from ..serving.printable import printable
from .parsing import UsageError, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command of `gallery`.

    Args:
        arguments: the command-line arguments without the program's name. The default is the arguments of this process.

    Returns:
        The exit status of the command, which is 0 for success. The status is 2 after an error that the user can
        correct, and 130 after Ctrl-C.
    """
    if arguments is None:
        in_a_command()
    try:
        values = parse(list(sys.argv[1:] if arguments is None else arguments))
        if values.print_version:
            from importlib.metadata import version

            print(f"gallery {version('keras-gallery')}")
        elif values.execute is None:
            values.parser.print_help()
        else:
            return int(values.execute(values))
    except KeyboardInterrupt:
        print("gallery: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed the pipe
        sys.stderr.close()
    except Exception as error:
        if isinstance(error, ModuleNotFoundError):
            error = missing(error)
        if not _can_be_corrected(error):
            raise
        message = str(error)
        if not isinstance(error, GalleryError):  # TensorFlow appends lines with the position in the graph
            message = message.partition("\n")[0]
        print(f"gallery: {printable(message)}", file=sys.stderr)
        return 2
    return 0


def _can_be_corrected(error: Exception) -> bool:
    """Returns whether the user can correct the error."""
    if isinstance(error, UsageError | GalleryError):
        return True
    from ..serving.errors import ServingError  # imports gRPC

    return isinstance(error, ServingError)


if __name__ == "__main__":
    sys.exit(main())
