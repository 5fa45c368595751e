"""`gallery export NAME` exports a trained model as a SavedModel for serving, or as a file for another runtime."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import api
from ..models.registry import describe
from ..serving import memory
from ..serving.printable import printable
from .command import SAVED_MODELS, Command, serve_command
from .progress import loading, progress
from .saved import signature_lines

if TYPE_CHECKING:
    from ..training import Run

# The same names as in serving/targets/convert.py. That module is not imported here, because it imports TensorFlow.
TARGETS = ("keras", "h5", "tfjs", "onnx", "openvino")


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("names", nargs="+", metavar="name", help="the architecture, see gallery list; may be several")
    parser.add_argument("--run", help="folder of the run to export (default: the newest run)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    parser.add_argument("--as", dest="served_name", metavar="NAME", help="name of the served model (default: NAME)")
    parser.add_argument("--version", type=int, help="version number (default: the next free number)")
    parser.add_argument("--saved-models", default=SAVED_MODELS, help="folder to export to (default: saved_models)")
    parser.add_argument(
        "--to", choices=TARGETS, metavar="TARGET", help=f"write a file for another runtime: {', '.join(TARGETS)}"
    )
    parser.add_argument("--signature", help="with --to: the signature to export (default: serving_default)")
    parser.add_argument(
        "--no-pictures",
        action="store_true",
        help="keep no pictures and example inputs of the run, which can show test examples",
    )
    parser.add_argument("--output", help="with --to: the file or folder (default: NAME with the target's suffix)")


def _run(values: argparse.Namespace) -> int:
    for name in values.names:
        describe(name)
    _check(values)
    for name in values.names:
        _export(values, name)
        gc.collect()  # otherwise, the memory would grow with every model: they have references in circles
        memory.give_back()
    return 0


def _export(values: argparse.Namespace, architecture: str) -> None:
    with loading():
        from ..training import Run, latest_run

    run = Run.load(values.run) if values.run else latest_run(architecture, values.runs)
    if run.is_pretrained and not values.run:
        progress(
            f"Exporting the trained model that comes with Keras Gallery: {values.runs} has no run of {architecture}"
        )
    name = values.served_name or architecture
    if values.to:
        _export_to(values, run, name)
        return
    folder = api.export(
        run,
        name,
        saved_models=values.saved_models,
        version=values.version,
        pictures=not values.no_pictures,
        progress=progress,
    )
    command = serve_command(folder.parent.name, values.saved_models)
    print(printable(f"Exported {run.folder} to {folder}; go on with: {command}"))
    for line in signature_lines(folder):
        print(printable(line), flush=True)


def _check(values: argparse.Namespace) -> None:
    """Raises InvalidArgument if the options cannot be combined."""
    from ..serving.errors import InvalidArgument

    if values.to and values.version is not None:
        raise InvalidArgument(f"--version cannot be combined with --to: a file for {values.to} has no version")
    for option in ("signature", "output"):
        if not values.to and getattr(values, option) is not None:
            raise InvalidArgument(f"--{option} requires --to, such as --to onnx")
    for option in ("run", "served_name", "output"):
        if len(values.names) > 1 and getattr(values, option) is not None:
            raise InvalidArgument(f"--{option.removeprefix('served_').replace('name', 'as')} requires a single name")


def _export_to(values: argparse.Namespace, run: Run, name: str) -> None:
    with loading():
        from ..serving.targets.convert import default_place, export_to

    signature = values.signature or "serving_default"
    place = values.output or default_place(values.to, name)
    progress(f"Writing {place} and comparing its answers with the model's")
    written = export_to(values.to, run.model, place, signature, *api.labels_and_texts(run))
    line = (
        f"Exported {run.folder} to {written.place}: its answers in {written.runtime} equal those of Keras within "
        f"{written.difference:.1e} ({signature}: {', '.join(written.inputs)} -> {', '.join(written.outputs)})"
    )
    print(printable(line))
    for note in written.notes:
        print(printable(f"    {note}"))


COMMAND = Command(
    "export a trained model as a SavedModel, or for another runtime",
    "Exports the newest run of an architecture to saved_models/NAME/VERSION, ready to be served. Without a run, "
    "exports the trained model that comes with Keras Gallery. With --to, writes a file for another runtime instead. In "
    "both cases, compares the answers of the exported model with Keras's answers.",
    [
        "gallery export denoising_autoencoder",
        "gallery export mlp_classifier --as digits --version 2",
        "gallery export lstm gru",
        "gallery export denoising_autoencoder --to onnx --signature encode",
    ],
    _configure,
    _run,
)
