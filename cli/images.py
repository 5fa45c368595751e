"""Makes the commands that send image files to a running server and write files or print lines."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..serving.printable import printable
from . import arrays, files
from .command import Command

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..serving.client import Client

Row = tuple[str, ...]  # the columns of a printed line
# Converts the answer for a file to the array to write and the lines to print.
# The arguments are the client, the name of the model, the input file, the output file and the answer.
ToWrite = Callable[["Client", str, Path, Path, Any], tuple["NDArray[Any]", list[Row]]]
# Converts the answer for a file to the columns of one line for each image in the file.
ToPrint = Callable[[Any], Iterable[Row]]


def _arrays(client: Client, model: str, source: Path, target: Path, answer: Any) -> tuple[NDArray[Any], list[Row]]:
    """Returns the array to write: the first row of the answer for an image file, all rows for an NPY file."""
    return answer[0] if files.is_image(source) else answer, []


def write_files(task: str, help: str, description: str, example: str, convert: ToWrite = _arrays) -> Command:
    """Returns a command that sends image files to a server and writes an output file for each input file.

    Args:
        task: the name of the client's method, such as "encode".
        help: see `Command`.
        description: see `Command`.
        example: see `Command`.
        convert: converts an answer to the array to write and the lines to print.
    """
    suffixes = files.IMAGES if task == "detect" else files.SUFFIXES

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        files.add_inputs(parser, suffixes)
        parser.add_argument(
            "--output", type=Path, help="output file, or output folder for several inputs (default: beside the input)"
        )
        files.add_server(parser)

    def run(values: argparse.Namespace) -> int:
        pairs = files.pair(values.inputs, values.output, task, suffixes)
        with files.connect(values) as client:
            pixels = functools.cache(lambda: files.pixel_values(client, values.name, task))  # one request for all files

            def handle(source: Path, target: Path) -> None:
                answer = files.send(client, values.name, source, task)
                array, rows = convert(client, values.name, source, target, answer)
                if convert is _arrays and target.suffix.lower() == ".png":
                    array = arrays.to_unit(array, pixels())
                arrays.write(target, array)
                print(f"{printable(source)} -> {printable(target)}")
                for row in rows:
                    print("    " + "\t".join(map(printable, row)))

            return files.for_each(pairs, handle)

    return Command(help, description, [example], configure, run)


def print_images(task: str, help: str, description: str, example: str, rows: ToPrint) -> Command:
    """Returns a command that sends image files to a server and prints a line for each image.

    Args:
        task: the name of the client's method, such as "classify".
        help: see `Command`.
        description: see `Command`.
        example: see `Command`.
        rows: converts an answer to the columns of the lines.
    """

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        files.add_inputs(parser)
        files.add_server(parser)

    def run(values: argparse.Namespace) -> int:
        sources = [(file,) for source in values.inputs for file in files.expand(source)]
        with files.connect(values) as client:

            def handle(source: Path) -> None:
                answer = files.send(client, values.name, source, task)
                for number, row in enumerate(rows(answer)):
                    print("\t".join(map(printable, (files.title(source, number), *row))))

            return files.for_each(sources, handle)

    return Command(help, description, [example], configure, run)


def labels_of_images(found: Any) -> Iterable[Row]:
    """Returns the label of each image and its score."""
    return [(label, f"{score:.4f}") for label, score in zip(found.labels, found.scores, strict=True)]


def captions(found: Any) -> Iterable[Row]:
    """Returns the caption of each image."""
    return [(caption,) for caption in found]


def masks(client: Client, model: str, source: Path, target: Path, answer: Any) -> tuple[NDArray[Any], list[Row]]:
    """Returns the class of each pixel: as colours if the output file is a PNG file, as numbers if it is an NPY file."""
    mask = answer.mask[0] if files.is_image(source) else answer.mask
    if target.suffix.lower() != ".npy":
        from .drawing import colour_classes

        (probabilities,) = client.signatures(model)["serving_default"].outputs.values()
        # The shape is (batch, height, width, classes), and the last class is the background.
        classes = (probabilities.shape or (0,))[-1]
        mask = colour_classes(mask, background=classes - 1)
    return mask, []


def boxes(client: Client, model: str, source: Path, target: Path, answer: Any) -> tuple[NDArray[Any], list[Row]]:
    """Returns the image with a box around each object, and a line for each object."""
    from .drawing import draw_boxes

    (found,) = answer
    rows: list[Row] = []
    for label, score, (top, left, bottom, right) in zip(found.labels, found.scores, found.boxes, strict=True):
        box = f"top {top:.1f}, left {left:.1f}, bottom {bottom:.1f}, right {right:.1f}"
        rows.append((label, f"{score:.4f}", box))
    return draw_boxes(source, found), rows
