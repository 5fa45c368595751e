"""Finds and sends the files of the commands that send requests to a server."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.client import Client

    Array = NDArray[Any]

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
SUFFIXES = (*IMAGES, ".npy")
# The text that each task appends to the stem of the input file's name.
ENDINGS = {
    "encode": ".code",
    "denoise": ".denoised",
    "colorize": ".colorized",
    "segment": ".mask",
    "detect": ".boxes",
}


def add_inputs(parser: argparse.ArgumentParser, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Adds the arguments for the model and the input files."""
    parser.add_argument("name", help="the name of the served model")
    kinds = ", ".join(suffixes)
    parser.add_argument("inputs", nargs="+", metavar="input", type=Path, help=f"files ({kinds}) or folders of them")


def add_server(parser: argparse.ArgumentParser) -> None:
    """Adds the options `--server` and `--timeout`."""
    parser.add_argument(
        "--server",
        default="localhost:8500",
        help="host:port for gRPC, or http://host:port for REST (default: localhost:8500)",
    )
    parser.add_argument("--timeout", type=float, default=60, help="time limit of each request in seconds (default: 60)")


def connect(values: argparse.Namespace) -> Client:
    """Returns a client of the server in the options."""
    from ..serving.client import Client

    return Client(values.server, timeout=values.timeout)


def pair(
    sources: Sequence[Path], output: Path | None, task: str, suffixes: Sequence[str] = SUFFIXES
) -> list[tuple[Path, Path]]:
    """Returns pairs of an input file and its output file.

    Args:
        sources: files and folders.
        output: the output file if `sources` is a single file, otherwise the folder of the output files. None for a
            file beside the input file, or for a folder beside the input folder.
        task: a key of `ENDINGS`.
        suffixes: the file name suffixes of inputs.

    Raises:
        GalleryError: an input does not exist or has another suffix, a folder has no inputs, or two inputs have the
            same output.
    """
    pairs: list[tuple[Path, Path]] = []
    for source in sources:
        files = expand(source, suffixes)
        if source.is_dir():
            folder = output or source.with_name(source.resolve().name + ENDINGS[task].replace(".", "-"))
            pairs += [(file, folder / _target(file, task).name) for file in files]
            continue
        target = _target(source, task)
        if output:
            target = output / target.name if len(sources) > 1 else output
        pairs.append((source, target))
    written: dict[Path, Path] = {}
    for source, target in pairs:
        if target in written:
            raise GalleryError(f"Two inputs have the same output {target}: {written[target]} and {source}.")
        written[target] = source
    return pairs


def expand(source: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Returns the file itself, or the files with these suffixes in a folder.

    Raises:
        GalleryError: the file does not exist or has another suffix, or the folder has no such files.
    """
    kinds = ", ".join(suffixes)
    if source.is_dir():
        files = sorted(file for file in source.iterdir() if file.suffix.lower() in suffixes)
        if not files:
            raise GalleryError(f"The folder {source} has no {kinds} files.")
        return files
    if not source.exists():
        raise GalleryError(f"No such file: {source}")
    if not source.is_file() or source.suffix.lower() not in suffixes:
        raise GalleryError(f"Expected a {kinds} file or a folder. Received: {source}")
    return [source]


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


def is_image(file: Path) -> bool:
    """Returns whether the file is an image file, which holds one image. An NPY file can hold several images."""
    return file.suffix.lower() in IMAGES


def title(file: Path, number: int) -> str:
    """Returns the name of an image for a printed line: its file, and for an NPY file also the row."""
    return str(file) if is_image(file) else f"{file}[{number}]"


def _target(file: Path, task: str) -> Path:
    """Returns the default output file: `digit.code.npy` or `digit.denoised.png` for `digit.png`."""
    suffix = ".npy" if task == "encode" or file.suffix.lower() == ".npy" else ".png"
    return file.with_name(file.stem + ENDINGS[task] + suffix)


def pixel_values(client: Client, name: str, task: str) -> str:
    """Returns the pixel values of a model's images, such as "0..1". Returns "" if the signature does not state them."""
    signature = client.signatures(name).get(task)
    return next((spec.pixels for spec in signature.inputs.values()), "") if signature else ""


def send(client: Client, name: str, source: Path, task: str) -> Any:
    """Calls the client's method `task` with the image in a file, or with all rows of an NPY file."""
    content = [arrays.read_image(source)] if is_image(source) else _read_array(client, name, source, task)
    return getattr(client, task)(name, content)


def _read_array(client: Client, name: str, source: Path, task: str) -> Array:
    """Returns the rows of an NPY file, such as images (n, height, width, channels).

    The array can lack the first dimension if it holds one image, and the last dimension if the images are grey. uint8
    values are converted to the pixel values that the model expects.
    """
    import numpy as np

    images = arrays.load(source)
    signature = client.signatures(name).get(task)
    (spec,) = signature.inputs.values() if signature else (None,)
    if images.dtype == np.uint8:
        images = arrays.from_pixels(images, spec.pixels if spec else "")
    if spec is None or not spec.shape:
        return images
    size = spec.shape[1:]  # (height, width, channels)
    if size[-1] == 1 and images.shape[-2:] == size[:2] and images.ndim in (2, 3):
        images = images[..., None]
    if images.shape == size:
        images = images[None]
    if images.shape[1:] != size:
        raise GalleryError(f"Expected an array of shape {('n', *size)} in {source}. Received: {images.shape}.")
    return images
