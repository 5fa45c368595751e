"""`gallery import FILE`: a model from elsewhere as a SavedModel with named signatures, ready to be served."""

from __future__ import annotations

import argparse
import pkgutil
from collections.abc import Sequence
from pathlib import Path

from ..models import layers
from ..models.registry import list_models

HELP = "import a model file: .keras, .h5, weights, SavedModel, TensorFlow.js, ONNX"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("file", type=Path, help="the file, or the folder of a SavedModel or a TensorFlow.js model")
    parser.add_argument("--name", help="name that requests will use (default: the file's)")
    parser.add_argument("--encoder", metavar="LAYER", help="the layer whose output is the code (default: by its name)")
    parser.add_argument("--decoder", metavar="LAYER", help="the layer that the way back begins with")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="names of the classes of a classifier, one a line")
    parser.add_argument(
        "--like",
        metavar="MODEL",
        help="for a file of weights alone: the model that they are of, a file or a name of gallery list",
    )
    parser.add_argument(
        "--classes",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module of yours that registers classes which the file uses; repeatable",
    )
    parser.add_argument("--trust", action="store_true", help="let the file run code of its own (Lambda layers)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the repaired model, too: a new .keras file")
    parser.add_argument("--version", type=int, help="version number (default: the next free one)")
    parser.add_argument("--saved-models", default="saved_models", help="folder to export to (default: saved_models)")


def run(values: argparse.Namespace) -> int:
    from ..serving.importer.process import Request, import_file, parse_labels
    from ..serving.saved_model import read_signatures

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
        labels=parse_labels(values.labels) if values.labels else None,
        save=values.save,
    )
    place = import_file(request, values.saved_models, values.version, lambda line: print(line, flush=True))
    print(f"Imported {values.file} to {place}; go on with: gallery serve {place.parent.name}")
    for name, signature in sorted(read_signatures(place).items()):
        print(f"    {name:16} {', '.join(signature.inputs)} -> {', '.join(signature.outputs)}")
    return 0
