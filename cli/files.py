"""Image files and arrays for a running server: which files, how they are read, sent and written."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.client import Client

    Array = NDArray[Any]

IMAGES = (".png", ".jpg", ".jpeg")
SUFFIXES = (*IMAGES, ".npy")
# What a task adds to the name of the input file.
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
    """Adds the options of every command that sends requests to a server."""
    parser.add_argument(
        "--server",
        default="localhost:8500",
        help="host:port for gRPC, or http://host:port for REST (default: localhost:8500)",
    )
    parser.add_argument("--timeout", type=float, default=60, help="time limit of each request in seconds (default: 60)")


def connect(values: argparse.Namespace) -> Client:
    """Returns a client of the server that the options name."""
    from ..serving.client import Client

    return Client(values.server, timeout=values.timeout)


def pair(
    sources: Sequence[Path], output: Path | None, task: str, suffixes: Sequence[str] = SUFFIXES
) -> list[tuple[Path, Path]]:
    """Returns the input files with their output files.

    Args:
        sources: files and folders.
        output: the output file, or the folder for several; None for the input's own folder.
        task: a key of `ENDINGS`.
        suffixes: which files of a folder are inputs.

    Raises:
        GalleryError: an input does not exist, or two inputs have the same output.
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
    """Returns the file itself, or the files with these suffixes in a folder. Raises GalleryError if there are none."""
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


def is_image(file: Path) -> bool:
    """Whether the file holds one image, in contrast to an NPY file with an array of them."""
    return file.suffix.lower() in IMAGES


def title(file: Path, number: int) -> str:
    """What a printed line calls an image: its file, or the file and the row of an NPY file."""
    return str(file) if is_image(file) else f"{file}[{number}]"


def _target(file: Path, task: str) -> Path:
    """`digit.png` → `digit.code.npy` or `digit.denoised.png`."""
    suffix = ".npy" if task == "encode" or file.suffix.lower() == ".npy" else ".png"
    return file.with_name(file.stem + ENDINGS[task] + suffix)


def send(client: Client, name: str, source: Path, task: str) -> Any:
    """Returns the answer of the client's method `task` for the image in a file, or for all rows of an NPY file."""
    content = [source.read_bytes()] if is_image(source) else _read_array(client, name, source, task)
    return getattr(client, task)(name, content)


def load(file: Path) -> Array:
    """Returns the array in an NPY file. Raises GalleryError if the file holds no numbers."""
    import numpy as np

    try:
        array: Array = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise GalleryError(f"Expected an NPY file of numbers: {file}. Received: {error}.") from None
    return array


def _read_array(client: Client, name: str, source: Path, task: str) -> Array:
    """Returns the rows of an NPY file, such as images (n, height, width, channels).

    The file may leave out dimensions of size 1: the rows of a single image, and the channels of grey images.
    """
    import numpy as np

    images = load(source)
    signature = client.signatures(name).get(task)
    (spec,) = signature.inputs.values() if signature else (None,)
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / 255
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


def write(target: Path, answer: Array) -> None:
    """Writes an array as NPY, or an image as PNG. The file appears complete or not at all.

    Raises:
        GalleryError: the file's suffix is not .npy, or not .png for an image.
    """
    import numpy as np

    suffix = target.suffix.lower()
    if suffix not in (".npy", ".png") or (suffix == ".png" and answer.ndim != 3):
        kinds = ".npy or .png" if answer.ndim == 3 else ".npy"
        raise GalleryError(f"Expected an output file that ends in {kinds}. Received: {target}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            if suffix == ".npy":
                np.save(file, answer)
            else:
                write_png(file, answer)
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise


def write_png(file: IO[bytes], image: Array) -> None:
    """Writes an image (height, width, 1 or 3) in [0, 1] as a PNG file."""
    import numpy as np
    from PIL import Image

    pixels = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "png")
