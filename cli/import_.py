"""`gallery import FILE` converts a model file from elsewhere to a SavedModel that can be served."""

from __future__ import annotations

import argparse
import math
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path

from ..models import layers
from ..models.registry import list_models
from ..serving.printable import printable
from .command import SAVED_MODELS, Command, serve_command
from .progress import progress
from .saved import signature_lines

# The same ranges as in serving/wire/signature.py. That module is not imported here, because it imports NumPy.
PIXELS = ("0..255", "0..1", "-1..1")


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    # argparse accepts "-1" as the value of an option, but not "-1..1".
    parser._negative_number_matcher = re.compile(r"-\d")
    parser.add_argument("file", type=Path, help="the file, or the folder of a SavedModel or a TensorFlow.js model")
    parser.add_argument("--name", help="name of the served model (default: the name of the file)")
    parser.add_argument(
        "--encoder",
        metavar="LAYER",
        help="the layer whose output is the code (default: the layer is found by its name)",
    )
    parser.add_argument("--decoder", metavar="LAYER", help="the first layer of the decoder")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="export only serving_default, with the model's own inputs and outputs, whatever the names of its layers",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="text file with a classifier's labels, one per line"
    )
    parser.add_argument(
        "--pixels",
        choices=PIXELS,
        help="the pixel values that a model of images expects (default: the first layers of the model say it)",
    )
    parser.add_argument(
        "--like",
        metavar="MODEL",
        help="if the file has only weights: the model of the weights, which is a model file, its architecture in JSON "
        "(model.json), or an architecture of gallery list",
    )
    parser.add_argument(
        "--classes",
        action="append",
        default=[],
        metavar="MODULE",
        help="module with the file's custom classes, in the current folder or PYTHONPATH; may be repeated",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the code in the file, such as that of Lambda layers: only for a file that you would run as a program",
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="also save the model as a new .keras file, which Keras can load and train",
    )
    parser.add_argument(
        "--max-memory",
        type=positive,
        metavar="GIB",
        help="memory of each process of the import (default: about 4 GiB and 50 times the size of the file)",
    )
    parser.add_argument(
        "--max-seconds",
        type=positive,
        metavar="S",
        help="time for the import (default: 5 minutes and 1 s for each MiB of the file)",
    )
    parser.add_argument("--version", type=int, help="version number (default: the next free number)")
    parser.add_argument("--saved-models", default=SAVED_MODELS, help="folder to export to (default: saved_models)")


def positive(text: str) -> float:
    """Parses a positive number. argparse reports a ValueError as an invalid value."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError(text)
    return number


def _run(values: argparse.Namespace) -> int:
    from ..serving.importer.process import Request, import_file, parse_labels

    like = values.like
    if like in list_models():
        like = ("keras_gallery.models", like)
    elif like is not None:
        like = str(Path(like).resolve())
    own = [f"{layers.__name__}.{module.name}" for module in pkgutil.iter_modules(layers.__path__)]
    request = Request(
        values.file,
        name=values.name,
        trust=values.trust,
        classes=[*own, *values.classes],
        like=like,
        encoder=values.encoder,
        decoder=values.decoder,
        whole=values.whole,
        labels=parse_labels(values.labels) if values.labels else None,
        pixels=values.pixels,
        save=values.save,
        memory=values.max_memory and int(values.max_memory * (1 << 30)),
        seconds=values.max_seconds,
    )
    if values.file.exists():
        progress(f"Reading {values.file} in a separate process")
    folder = import_file(request, values.saved_models, values.version, lambda line: print(printable(line), flush=True))
    command = serve_command(folder.parent.name, values.saved_models)
    print(printable(f"Imported {values.file} to {folder}; go on with: {command}"))
    for line in signature_lines(folder):
        print(printable(line))
    return 0


COMMAND = Command(
    "import a model file: Keras, SavedModel, TensorFlow.js or ONNX",
    "Imports a model from a .keras or .h5 file, a file of weights, a SavedModel, a TensorFlow.js model or an ONNX "
    "file to saved_models/NAME/VERSION, ready to be served. A separate process with limits on memory and time reads "
    "the file.",
    ["gallery import model.keras", "gallery import model.onnx --name digits --labels labels.txt"],
    _configure,
    _run,
)
