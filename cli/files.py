"""Pictures from files, through a running server, to files: what `encode`, `denoise`, `classify` and others share."""

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

PICTURES = (".png", ".jpg", ".jpeg")
KINDS = (*PICTURES, ".npy")
ENDINGS = {
    "encode": ".code",
    "denoise": ".denoised",
    "colorize": ".colorized",
    "segment": ".mask",
    "detect": ".boxes",
}


def configure(parser: argparse.ArgumentParser, kinds: str = "PNG, JPEG or NPY") -> None:
    """The options of the commands that write files."""
    add_inputs(parser, kinds)
    parser.add_argument(
        "--output", type=Path, help="file (or folder, for several files) to write; default: beside the input"
    )
    add_server(parser)


def add_inputs(parser: argparse.ArgumentParser, kinds: str = "PNG, JPEG or NPY") -> None:
    """Which model is asked, and what about."""
    parser.add_argument("name", help="the served model")
    parser.add_argument("inputs", nargs="+", metavar="input", type=Path, help=f"{kinds} files, or folders of them")


def add_server(parser: argparse.ArgumentParser) -> None:
    """The options of every command that asks a server."""
    parser.add_argument("--server", default="localhost:8500", help="host:port for gRPC, or http://host:port for REST")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for each answer (default: 60)")


def run(values: argparse.Namespace, task: str) -> int:
    """Sends each input file and writes each answer, whole or not at all."""
    from ..serving.client import Client

    pairs = pair(values.inputs, values.output, task)
    with Client(values.server, timeout=values.timeout) as client:
        for source, target in pairs:
            answer = ask(client, values.name, source, task)
            write(target, answer[0] if is_picture(source) else answer)
            print(f"{source} -> {target}")
    return 0


def pair(
    sources: Sequence[Path], output: Path | None, task: str, kinds: Sequence[str] = KINDS
) -> list[tuple[Path, Path]]:
    """Input and output files, no output twice."""
    pairs: list[tuple[Path, Path]] = []
    for source in sources:
        files = expand(source, kinds)
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
            both = f"{written[target]} and {source}"
            raise GalleryError(f"Expected an output for each input. Received: {target} for {both}.")
        written[target] = source
    return pairs


def expand(source: Path, kinds: Sequence[str] = KINDS) -> list[Path]:
    """A file itself, or the files of these kinds in a folder."""
    if source.is_dir():
        files = sorted(file for file in source.iterdir() if file.suffix.lower() in kinds)
        if not files:
            raise GalleryError(f"Expected {', '.join(kinds)} files in {source}. Received: none.")
        return files
    if not source.is_file() or source.suffix.lower() not in kinds:
        got = "no such file" if not source.exists() else f"a {source.suffix or 'file without ending'}"
        raise GalleryError(f"Expected a {', '.join(kinds)} file or a folder: {source}. Received: {got}.")
    return [source]


def is_picture(file: Path) -> bool:
    """Whether it holds one picture, and no array of them."""
    return file.suffix.lower() in PICTURES


def row(file: Path, number: int) -> str:
    """What a line says of an answer: the picture's file, or which row of an array."""
    return str(file) if is_picture(file) else f"{file}[{number}]"


def _target(file: Path, task: str) -> Path:
    """`digit.png` → `digit.code.npy` or `digit.denoised.png`."""
    ending = ".npy" if task == "encode" or file.suffix.lower() == ".npy" else ".png"
    return file.with_name(file.stem + ENDINGS[task] + ending)


def ask(client: Client, name: str, source: Path, task: str) -> Any:
    """What the client's method `task` gives for a file: for the one picture in it, or for all rows of an NPY file."""
    content = [source.read_bytes()] if is_picture(source) else _read_array(client, name, source, task)
    return getattr(client, task)(name, content)


def load(file: Path) -> Array:
    """The array in an NPY file."""
    import numpy as np

    try:
        array: Array = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise GalleryError(f"Expected an NPY file of numbers: {file}. Received: {error}.") from None
    return array


def _read_array(client: Client, name: str, source: Path, task: str) -> Array:
    """The rows of an NPY file, such as images (n, height, width, channels); dimensions of size 1 may be left out."""
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
    """Writes an array as NPY or an image as PNG: beside the target, then renamed, so that no half is left behind."""
    import numpy as np

    ending = target.suffix.lower()
    if ending not in (".npy", ".png") or (ending == ".png" and answer.ndim != 3):
        kinds = ".npy or .png" if answer.ndim == 3 else ".npy"
        raise GalleryError(f"Expected an output file ending in {kinds}. Received: {target}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=".writing-", suffix=ending)
    try:
        with os.fdopen(handle, "wb") as file:
            if ending == ".npy":
                np.save(file, answer)
            else:
                write_png(file, answer)
        os.replace(scratch, target)
    except BaseException:
        os.unlink(scratch)
        raise


def write_png(file: IO[bytes], image: Array) -> None:
    """Writes an image (height, width, 1 or 3) in [0, 1] as a PNG file."""
    import numpy as np
    from PIL import Image

    pixels = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "png")
