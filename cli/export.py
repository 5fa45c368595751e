"""`gallery export NAME`: a trained model as a SavedModel, ready to be served, or as a file for another runtime."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..models.registry import describe
from ..serving.quiet import quiet_import

HELP = "export a trained model as a SavedModel with named signatures, or to another runtime"
TARGETS = ("keras", "h5", "tfjs", "onnx", "openvino")  # as in serving/targets, which imports TensorFlow


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, see gallery list")
    parser.add_argument("--run", help="folder of the run to export (default: the newest one)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    parser.add_argument("--as", dest="served_name", help="name that requests will use (default: NAME)")
    parser.add_argument("--version", type=int, help="version number (default: the next free one)")
    parser.add_argument("--saved-models", default="saved_models", help="folder to export to (default: saved_models)")
    parser.add_argument("--to", choices=TARGETS, metavar="TARGET", help=f"another runtime: {', '.join(TARGETS)}")
    parser.add_argument("--signature", help="with --to: which one (default: serving_default)")
    parser.add_argument("--output", help="with --to: the file or folder (default: NAME with the target's suffix)")


def run(values: argparse.Namespace) -> int:
    describe(values.name)
    _check(values)
    with quiet_import():
        from ..training import Run, latest_run

    run = Run.load(values.run) if values.run else latest_run(values.name, values.runs)
    name, labels = values.served_name or values.name, run.config.get("labels")
    tokens = Path(run.folder, "tokens.json")
    texts = json.loads(tokens.read_text("utf-8")) if tokens.is_file() else None
    if values.to:
        return _export_to(values, run, name, labels, texts)
    with quiet_import():
        from ..serving.export.writing import export
        from ..serving.saved_model import read_signatures

    place = export(run.model, name, values.saved_models, values.version, labels, texts)
    print(f"Exported {run.folder} to {place}; go on with: gallery serve {place.parent.name}")
    for name, signature in sorted(read_signatures(place).items()):
        print(f"    {name:16} {', '.join(signature.inputs)} -> {', '.join(signature.outputs)}")
    return 0


def _check(values: argparse.Namespace) -> None:
    """Raises InvalidArgument for options that say nothing beside each other."""
    from ..serving.errors import InvalidArgument

    idle = ("version",) if values.to else ("signature", "output")
    if given := [option for option in idle if getattr(values, option) is not None]:
        wanted, found = ("no --to", f"--to {values.to}") if values.to else ("--to", "no --to")
        raise InvalidArgument(f"Expected {wanted} beside --{given[0]}. Received: {found}")


def _export_to(values: argparse.Namespace, run: Any, name: str, labels: Any, texts: Any) -> int:
    with quiet_import():
        from ..serving.targets.convert import default_place, export_to

    signature = values.signature or "serving_default"
    place = values.output or default_place(values.to, name)
    written = export_to(values.to, run.model, place, signature, labels, texts)
    print(
        f"Exported {run.folder} to {written.place}: answers equal Keras within {written.difference:.1e} in "
        f"{written.runtime} ({signature}: {', '.join(written.inputs)} -> {', '.join(written.outputs)})"
    )
    for note in written.notes:
        print(f"    {note}")
    return 0
