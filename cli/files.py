"""Pictures from files, through a running server, to files: what `encode`, `denoise` and `colorize` share."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..models.errors import GalleryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.client import Client

    Array = NDArray[Any]

PICTURES = (".png", ".jpg", ".jpeg")
KINDS = (*PICTURES, ".npy")
ENDINGS = {"encode": ".code", "denoise": ".denoised", "colorize": ".colorized"}


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of these commands."""
    parser.add_argument("name", help="the served model")
    parser.add_argument(
        "inputs", nargs="+", metavar="input", type=Path, help="PNG, JPEG or NPY files, or folders of them"
    )
    parser.add_argument(
        "--output", type=Path, help="file (or folder, for several files) to write; default: beside the input"
    )
    add_server(parser)


def add_server(parser: argparse.ArgumentParser) -> None:
    """The options of every command that asks a server."""
    parser.add_argument("--server", default="localhost:8500", help="host:port for gRPC, or http://host:port for REST")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for each answer (default: 60)")


def run(values: argparse.Namespace, task: str) -> int:
    """Sends each input file and writes each answer, whole or not at all."""
    from ..serving.client import Client

    pairs = _pairs(values.inputs, values.output, task)
    with Client(values.server, timeout=values.timeout) as client:
        for source, target in pairs:
            answer = _ask(client, values.name, source, task)
            write(target, answer)
            print(f"{source} -> {target}")
    return 0


def _pairs(sources: list[Path], output: Path | None, task: str) -> list[tuple[Path, Path]]:
    """Input and output files, no output twice."""
    pairs: list[tuple[Path, Path]] = []
    for source in sources:
        if source.is_dir():
            inputs = sorted(file for file in source.iterdir() if file.suffix.lower() in KINDS)
            if not inputs:
                raise GalleryError(f"Expected {', '.join(KINDS)} files in {source}. Received: none.")
            folder = output or source.with_name(source.resolve().name + ENDINGS[task].replace(".", "-"))
            pairs += [(file, folder / _target(file, task).name) for file in inputs]
            continue
        if not source.is_file() or source.suffix.lower() not in KINDS:
            got = "no such file" if not source.exists() else f"a {source.suffix or 'file without ending'}"
            raise GalleryError(f"Expected a {', '.join(KINDS)} file or a folder: {source}. Received: {got}.")
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


def _target(file: Path, task: str) -> Path:
    """`digit.png` → `digit.code.npy` or `digit.denoised.png`."""
    ending = ".npy" if task == "encode" or file.suffix.lower() == ".npy" else ".png"
    return file.with_name(file.stem + ENDINGS[task] + ending)


def _ask(client: Client, name: str, source: Path, task: str) -> Array:
    answer: Array
    call = getattr(client, task)
    if source.suffix.lower() in PICTURES:
        answer = call(name, [source.read_bytes()])[0]
    else:
        answer = call(name, _read_array(client, name, source, task))
    return answer


def load(file: Path) -> Array:
    """The array in an NPY file."""
    import numpy as np

    try:
        array: Array = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise GalleryError(f"Expected an NPY file of numbers: {file}. Received: {error}.") from None
    return array


def _read_array(client: Client, name: str, source: Path, task: str) -> Array:
    """The images in an NPY file, (n, height, width, channels), with the dimensions of size 1 that are left out."""
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
        raise GalleryError(f"Expected images of shape {('n', *size)} in {source}. Received: {images.shape}.")
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
