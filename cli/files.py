"""The options and the files of the commands that send requests to a server."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import arrays
from .examples import IMAGES, TABLES, is_image
from .table_files import WRITERS

if TYPE_CHECKING:
    from ..serving.client import Client

TOKEN_VARIABLE, MAX_TOKEN_BYTES = "GALLERY_TOKEN", 8 << 10
ARRAYS = (".npy",)
SUFFIXES = (*IMAGES, *ARRAYS, *TABLES)
# The text that each task appends to the stem of the input file's name.
ENDINGS = {
    "encode": ".code",
    "decode": ".decoded",
    "denoise": ".denoised",
    "reconstruct": ".reconstruction",
    "colorize": ".colorized",
    "embed": ".embedding",
    "segment": ".mask",
    "detect": ".boxes",
}
VECTORS = ("encode", "embed")  # the tasks whose answers are no pictures


def add_inputs(parser: argparse.ArgumentParser, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Adds the arguments for the model and the input files."""
    parser.add_argument("name", help="the name of the served model")
    kinds = ", ".join(suffixes)
    parser.add_argument("inputs", nargs="+", metavar="input", type=Path, help=f"files ({kinds}) or folders")


def add_server(parser: argparse.ArgumentParser) -> None:
    """Adds the options `--server`, `--timeout` and `--token-file`."""
    parser.add_argument(
        "--server",
        default="localhost:8500",
        help="host:port for gRPC, or http://host:port for REST (default: localhost:8500)",
    )
    parser.add_argument("--timeout", type=float, default=60, help="time limit of each request in seconds (default: 60)")
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"file with the token that the server requires (default: the token in the variable {TOKEN_VARIABLE})",
    )


def connect(values: argparse.Namespace) -> Client:
    """Returns a client of the server in the options."""
    from ..serving.client import Client

    return Client(values.server, timeout=values.timeout, token=_token(values.token_file))


def _token(file: Path | None) -> str | None:
    """Returns the token in a file, or in the environment. None if there is none."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_TOKEN_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise GalleryError(f"Cannot read the token in {file}: {reason}.") from None


def add_bulk(parser: argparse.ArgumentParser) -> None:
    """Adds the options of commands that send many examples."""
    parser.add_argument(
        "--resume", action="store_true", help="leave out what an earlier command with the same --output has done"
    )
    parser.add_argument(
        "--batch-size", type=_positive, default=256, metavar="N", help="most examples in a request (default: 256)"
    )
    parser.add_argument(
        "--in-flight", type=_positive, default=4, metavar="N", help="most requests at the same time (default: 4)"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, received {number}")
    return number


def is_table(sources: Sequence[Path], output: Path | None) -> bool:
    """Returns whether the answers go into one table.

    An NPY file is a table if there are several inputs. Otherwise it has the answer for the only input.
    """
    if output is None or output.is_dir() or output.suffix.lower() not in WRITERS:
        return False
    return output.suffix.lower() != ".npy" or len(sources) > 1 or sources[0].is_dir()


def pair(
    sources: Sequence[Path], output: Path | None, task: str, suffixes: Sequence[str] = SUFFIXES
) -> list[tuple[Path, Path]]:
    """Returns pairs of an input file and its output file.

    Args:
        sources: files and folders.
        output: the output file if `sources` is a single file, otherwise the folder of the output files. None for a
            file beside the input file, or for a folder beside the input folder. A folder of output files has the same
            subfolders as the folder of input files.
        task: a key of `ENDINGS`.
        suffixes: the file name suffixes of inputs.

    Raises:
        GalleryError: an input does not exist or has another suffix, a folder has no inputs, or two inputs have the
            same output.
    """
    pairs: list[tuple[Path, Path]] = []
    for source in sources:
        if source.is_dir():
            folder = output or source.with_name(source.resolve().name + ENDINGS[task].replace(".", "-"))
            files = expand(source, suffixes, folder)
            pairs += [(file, _target(folder / file.relative_to(source), task)) for file in files]
            continue
        expand(source, suffixes)
        target = _target(source, task)
        if output:
            target = output / target.name if len(sources) > 1 or output.is_dir() else output
        pairs.append((source, target))
    written: dict[Path, Path] = {}
    for source, target in pairs:
        if target in written:
            raise GalleryError(f"Two inputs have the same output {target}: {written[target]} and {source}.")
        written[target] = source
    return pairs


def expand(source: Path, suffixes: Sequence[str] = SUFFIXES, output: Path | None = None) -> list[Path]:
    """Returns the file itself, or the files with these suffixes in a folder and its subfolders, in order.

    Leaves out hidden files and folders. Tables count only if the folder has no pictures and no arrays, because a table
    beside pictures usually describes them.

    Args:
        source: a file or a folder.
        suffixes: the suffixes of inputs.
        output: a file or a folder to leave out, because the command writes it.

    Raises:
        GalleryError: the file does not exist or has another suffix, or the folder has no such files.
    """
    kinds = ", ".join(suffixes)
    if source.is_dir():
        files = _walk(source, suffixes, output)
        files = [file for file in files if file.suffix.lower() not in TABLES] or files
        if not files:
            raise GalleryError(f"The folder {source} has no {kinds} files.")
        return files
    if not source.exists():
        raise GalleryError(f"No such file: {source}")
    if not source.is_file() or source.suffix.lower() not in suffixes:
        raise GalleryError(f"Expected a {kinds} file or a folder. Received: {source}")
    return [source]


def _walk(folder: Path, suffixes: Sequence[str], output: Path | None) -> list[Path]:
    written = output.absolute() if output else None
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        base = Path(place)
        hidden = written.name if written and base.absolute() == written.parent else ""
        folders[:] = sorted(name for name in folders if name[0] != "." and name != hidden)
        names = sorted(name for name in names if name[0] != "." and name != hidden)
        found += [base / name for name in names if name.lower().endswith(tuple(suffixes))]
    return found


def _refuse(error: OSError) -> None:
    raise GalleryError(f"Cannot read the folder {error.filename}: {error.strerror}.")


def for_each(inputs: Sequence[tuple[Path, ...]], handle: Callable[..., None]) -> int:
    """Calls `handle` for each input file. An invalid file does not stop the files after it.

    Warnings of the client are printed. All messages name the file.

    Args:
        inputs: the arguments of each call. The first argument is the input file.
        handle: sends the file to the server, and writes or prints the answer.

    Returns:
        The exit status of the command: 0, or 1 if one of several files is invalid.

    Raises:
        GalleryError: the only file is invalid.
        ServingError: the server cannot be reached, does not have the model, or failed.
    """
    from ..serving.errors import InvalidArgument

    status = 0
    for arguments in inputs:
        source = arguments[0]
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                handle(*arguments)
            for each in caught:
                print(printable(f"gallery: warning: {_naming(source, each.message)}"), file=sys.stderr)
        except (GalleryError, InvalidArgument) as error:
            message = _naming(source, error)
            if len(inputs) == 1:
                raise GalleryError(message) from None
            print(printable(f"gallery: {message}"), file=sys.stderr)
            status = 1
    return status


def _naming(file: Path, message: object) -> str:
    """Returns the first line of a message, with the name of the file if the message does not contain it."""
    line = str(message).partition("\n")[0]
    return line if str(file) in line else f"{file}: {line}"


def _target(file: Path, task: str) -> Path:
    """Returns the default output file: `digit.code.npy` or `digit.denoised.png` for `digit.png`."""
    is_picture = is_image(file) and task not in VECTORS or task == "decode" and _is_one_code(file)
    suffix = ".png" if is_picture else ".npy"
    return file.with_name(file.stem.removesuffix(".code" if task == "decode" else "") + ENDINGS[task] + suffix)


def _is_one_code(file: Path) -> bool:
    """Returns whether an NPY file has one code: a vector, or a feature map (height, width, filters)."""
    try:
        return file.suffix.lower() in ARRAYS and arrays.load(file).ndim in (1, 3)
    except GalleryError:
        return False
