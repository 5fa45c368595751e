"""Makes the commands that send pictures, arrays and tables to a running server and write files or print lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.errors import GalleryError
from ..serving.printable import printable
from . import arrays, files
from .beam import add_beam, call_of
from .command import Command
from .examples import IMAGES, TABLES, is_image, name_of
from .sending import TABLE_HELP, FileAnswers, Sending, write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .call import Call, Outputs

Row = tuple[str, ...]  # the columns of a printed line
# Converts the answers for a file to the array to write and the lines to print.
# The arguments are the task and the model, the input file, the output file and the answers.
ToWrite = Callable[["Call", Path, Path, FileAnswers], tuple["NDArray[Any]", list[Row]]]
# Converts outputs to the columns of one line for each example.
ToPrint = Callable[["Outputs"], Iterable[Row]]
# Chooses and shapes the outputs of a table.
Select = Callable[["Outputs"], "Outputs"]


def first_output(call: Call, source: Path, target: Path, answers: FileAnswers) -> tuple[NDArray[Any], list[Row]]:
    """Returns the array to write: the first row of the output for an image file, all rows for other files."""
    (output,) = answers.outputs.values()
    is_picture = target.suffix.lower() == ".png"
    if is_image(source) or is_picture and len(output) == 1:
        output = output[0]
    return (arrays.to_unit(output, call.pixels) if is_picture else output), []


def write_files(
    task: str, help: str, description: str, example: str, convert: ToWrite = first_output, select: Select | None = None
) -> Command:
    """Returns a command that sends files to a server, and writes an output file for each file or one table.

    Args:
        task: the name of the signature, such as "encode".
        help: see `Command`.
        description: see `Command`.
        example: see `Command`.
        convert: converts an answer to the array to write and the lines to print.
        select: chooses and shapes the outputs of a table.
    """
    suffixes = _suffixes(task)

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        files.add_inputs(parser, suffixes)
        add_output(parser, "" if task == "detect" else f", or {TABLE_HELP}")
        files.add_bulk(parser)
        files.add_server(parser)

    def run(values: argparse.Namespace) -> int:
        return write_each(values, task, suffixes, convert, select)

    return Command(help, description, [example], configure, run)


def add_output(parser: argparse.ArgumentParser, table: str = f", or {TABLE_HELP}") -> None:
    """Adds the option `--output`."""
    parser.add_argument(
        "--output",
        type=Path,
        help=f"output file, or output folder for several inputs{table} (default: beside the input)",
    )


def write_each(
    values: argparse.Namespace, task: str, suffixes: Sequence[str], convert: ToWrite, select: Select | None = None
) -> int:
    """Sends files to a server, and writes an output file for each file or one table. Returns the exit status."""
    from .call import Call

    if task != "detect" and files.is_table(values.inputs, values.output):
        return write_table(values, task, lambda: _files_of(values, suffixes), select)
    pairs = files.pair(values.inputs, values.output, task, suffixes)
    if values.resume:
        pairs = [(source, target) for source, target in pairs if not target.exists()]
    with files.connect(values) as client:
        call = Call(client, values.name, task)
        sending = Sending(values, call, [source for source, _ in pairs])
        by_name = {name_of(source): (source, target) for source, target in pairs}
        for answers in sending.by_input():
            source, target = by_name[answers.name]
            if answers.errors:
                sending.report.errors.append(answers.errors[0])
                continue
            try:
                array, rows = convert(call, source, target, answers)
                if target.suffix == ".png" and array.ndim != 3 and not values.output:
                    target = target.with_suffix(".npy")  # the decoded codes are no pictures
                arrays.write(target, array)
            except (GalleryError, OSError) as error:
                sending.report.failed(source, error)
                continue
            sending.print(f"{printable(source)} -> {printable(target)}")
            for row in rows:
                sending.print("    " + "\t".join(map(printable, row)))
        return sending.close()


def print_lines(
    task: str,
    help: str,
    description: str,
    example: str,
    rows: ToPrint,
    select: Select | None = None,
) -> Command:
    """Returns a command that sends files to a server, and prints a line for each example or writes one table.

    Args:
        task: the name of the signature, such as "classify".
        help: see `Command`.
        description: see `Command`.
        example: see `Command`.
        rows: converts outputs to the columns of the lines.
        select: chooses and shapes the outputs of a table.
    """
    suffixes = _suffixes(task)

    def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
        files.add_inputs(parser, suffixes)
        add_beam(parser, task)
        parser.add_argument("--output", type=Path, help=f"{TABLE_HELP} (default: print the answers)")
        files.add_bulk(parser)
        files.add_server(parser)

    def run(values: argparse.Namespace) -> int:
        if values.output:
            return write_table(values, task, lambda: _files_of(values, suffixes), select)
        with files.connect(values) as client:
            sending = Sending(values, call_of(values, client, task), _files_of(values, suffixes))
            sending.print_rows(rows)
            return sending.close()

    return Command(help, description, [example], configure, run)


def _suffixes(task: str) -> tuple[str, ...]:
    """Returns the suffixes of the files that a task can have as inputs."""
    if task == "detect":
        return IMAGES
    if task == "decode":
        return (*files.ARRAYS, *TABLES)
    return (*IMAGES, *files.ARRAYS) if task in ("caption", "colorize", "segment") else files.SUFFIXES


def _files_of(values: argparse.Namespace, suffixes: Sequence[str]) -> list[Path]:
    return [file for source in values.inputs for file in files.expand(source, suffixes, values.output)]


def labels(outputs: Outputs) -> Iterable[Row]:
    """Returns the label of each example and its score."""
    pairs = zip(outputs["label"].tolist(), outputs["score"].tolist(), strict=True)
    return [(label, f"{score:.4f}") for label, score in pairs]


def numbers(outputs: Outputs) -> Iterable[Row]:
    """Returns the numbers of each example."""
    for values in zip(*(each.reshape(len(each), -1).tolist() for each in outputs.values()), strict=True):
        yield tuple(each if isinstance(each, str) else f"{each:.6g}" for row in values for each in row)


def scores(outputs: Outputs) -> Iterable[Row]:
    """Returns the score of each example, and whether it is an anomaly if the model has a threshold."""
    columns = [[f"{each:.6g}" for each in outputs["score"].tolist()]]
    if "anomaly" in outputs:
        columns.append(["anomaly" if each else "normal" for each in outputs["anomaly"].tolist()])
    return zip(*columns, strict=True)


def score_first(outputs: Outputs) -> Outputs:
    """Returns the outputs of `score` in the order of the columns of a table."""
    return {"score": outputs["score"], **outputs}


def mask_first(outputs: Outputs) -> Outputs:
    """Returns the outputs of `segment` in the order of the columns of a table."""
    return {"mask": outputs["mask"], **outputs}


def without_last_1(outputs: Outputs) -> Outputs:
    """Returns predictions (n, 1) as numbers (n,)."""
    return {name: each[:, 0] if each.shape[1:] == (1,) else each for name, each in outputs.items()}


def strings(outputs: Outputs) -> Iterable[Row]:
    """Returns the text for each example, and its score if there is one."""
    columns = [outputs["text"].tolist()]
    if "score" in outputs:
        columns.append([f"{each:.4f}" for each in outputs["score"].tolist()])
    return zip(*columns, strict=True)


def masks(call: Call, source: Path, target: Path, answers: FileAnswers) -> tuple[NDArray[Any], list[Row]]:
    """Returns the class of each pixel: as colours if the output file is a PNG file, as numbers if it is an NPY file."""
    found = answers.outputs["mask"]
    mask = found[0] if is_image(source) else found
    if target.suffix.lower() != ".npy":
        from .drawing import colour_classes

        mask = colour_classes(mask, background=call.classes() - 1)  # the last class is the background
    return mask, []


def boxes(call: Call, source: Path, target: Path, answers: FileAnswers) -> tuple[NDArray[Any], list[Row]]:
    """Returns the image with a box around each object, and a line for each object."""
    from ..serving.client import Detection
    from .drawing import draw_boxes

    (found,) = Detection.all_of(answers.outputs)
    rows: list[Row] = []
    for label, score, (top, left, bottom, right) in zip(found.labels, found.scores, found.boxes, strict=True):
        box = f"top {top:.1f}, left {left:.1f}, bottom {bottom:.1f}, right {right:.1f}"
        rows.append((label, f"{score:.4f}", box))
    return draw_boxes(source, found), rows
