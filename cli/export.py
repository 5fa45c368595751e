"""`gallery export NAME`: a trained model as a SavedModel, ready to be served."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..models.registry import describe
from ..serving.quiet import quiet_import

HELP = "export a trained model as a SavedModel with named signatures"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, see gallery list")
    parser.add_argument("--run", help="folder of the run to export (default: the newest one)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    parser.add_argument("--as", dest="served_name", help="name that requests will use (default: NAME)")
    parser.add_argument("--version", type=int, help="version number (default: the next free one)")
    parser.add_argument("--saved-models", default="saved_models", help="folder to export to (default: saved_models)")


def run(values: argparse.Namespace) -> int:
    describe(values.name)
    with quiet_import():
        from ..serving.export import export
        from ..serving.saved_model import read_signatures
        from ..training import Run, latest_run

    run = Run.load(values.run) if values.run else latest_run(values.name, values.runs)
    name, labels = values.served_name or values.name, run.config.get("labels")
    tokens = Path(run.folder, "tokens.json")
    texts = json.loads(tokens.read_text("utf-8")) if tokens.is_file() else None
    place = export(run.model, name, values.saved_models, values.version, labels, texts)
    print(f"Exported {run.folder} to {place}; go on with: gallery serve {place.parent.name}")
    for name, signature in sorted(read_signatures(place).items()):
        print(f"    {name:16} {', '.join(signature.inputs)} -> {', '.join(signature.outputs)}")
    return 0
