"""The child process of an import: reads a file, exports the model, and reports progress as lines of JSON.

`process.py` starts this program. The program reads a JSON request from stdin: `file`, `name`, `folder` (for all
output), `trust`, `classes` (modules to import, which register custom classes), `like` (the model of a file that has
only weights: another model file, an architecture in JSON, or [module, name] for `module.create(name)`), `encoder`,
`decoder`, `whole`, `labels`, `pixels` (the range of the pixel values of a model of images), `save` (whether to write
model.keras), `memory` (maximum in bytes), `seconds`. The program writes lines {"progress": text} to stdout. The last
line is {"done": true} or {"error": status code, "message": text}.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import description, landlock, saved_model
from ..errors import FailedPrecondition, InvalidArgument, ServingError
from ..quiet import import_keras
from ..wire.signature import DEFAULT_SIGNATURE
from .examine import refuse_obstacles
from .keras2.report import NoEquivalent
from .reading import kinds, precision
from .reading.causes import cause, named_cause

if TYPE_CHECKING:
    import keras

    from .reading.result import Options, ReadResult

Report = Callable[[str], None]
# Keras and TensorFlow create many objects that live as long as the model. A collection of garbage after each 700 new
# objects, as usual, takes a sixth of the time of an import.
GARBAGE_COLLECTION = (100_000, 10, 10)
_UNKNOWN_CLASS = re.compile(r"Could not locate class ('\w+')")
_UNDEFINED = re.compile(r"name ('\w+') is not defined")
READERS = {
    "keras": "keras.keras_file",
    "h5": "keras.h5_file",
    "weights": "keras.weights_file",
    "architecture": "keras.architecture",
    "saved_model": "saved_model.folder",
    "tfjs_layers": "tfjs.file",
    "tfjs_graph": "tfjs.file",
    "onnx": "onnx.file",
}


def run(request: Mapping[str, Any], report: Report) -> None:
    """Exports the model of `file` to `folder`/version, and writes reference responses to `folder`/answers."""
    scratch, name = Path(request["folder"]), str(request["name"])
    result = _read(request, scratch, report)
    report(f"Found {result.description}")
    report(f"Method: {result.method}")
    for change in result.changes:
        report(f"    {change}")
    version = scratch / "version"
    if result.model is not None:
        _export(result, result.model, request, version, report)
    elif result.saved_model is not None:
        if request["encoder"] or request["decoder"] or request["whole"] or request["save"]:
            raise InvalidArgument(
                "Expected a file with layers for --encoder, --decoder, --whole and --save. "
                "Received: a graph without layers"
            )
        from .saved_model import served_graph as graph

        for option in ("labels", "pixels"):
            if request[option]:
                report(f"    --{option} is not used: the import adds no signatures to a graph without layers")
        from . import answers

        notes, loaded = graph.write(result.saved_model, name, version, report)
        for note in notes:
            report(f"    {note}")
        answers.write(version, loaded, scratch / "answers")
        description.write(version, outputs={DEFAULT_SIGNATURE: dict.fromkeys(result.outputs, "")})
    file = Path(request["file"])
    shown = f"{file.parent.name}/{file.name}" if file.name == "model.json" else file.name
    description.write(version, file=shown, format=result.description)
    precision.write(
        scratch / "answers", max(result.tolerance, precision.of_graph(saved_model.read_meta_graph(version)))
    )


def read(file: Path, options: Options) -> ReadResult:
    """Reads a model file with the reader for its format. Raises ServingError if the file cannot be read safely."""
    file_format = kinds.recognise(file)
    reader = importlib.import_module(f".{READERS[file_format]}", __package__)
    try:
        result: ReadResult = reader.read(file, options)
    except NoEquivalent as error:
        if file_format not in ("h5", "keras"):
            raise
        from .saved_model import by_keras2

        return by_keras2.read(file, options, error)
    return result


def _read(request: Mapping[str, Any], scratch: Path, report: Report) -> ReadResult:
    file_format = kinds.recognise(Path(request["file"]))
    if request["like"] and file_format != "weights":
        raise InvalidArgument(f"Expected a weights-only file for --like. Received: {kinds.NAMES[file_format]}")
    if file_format in ("keras", "h5", "tfjs_layers"):
        refuse_obstacles(Path(request["file"]), trust=request["trust"])
    report("Loading Keras and TensorFlow")
    gc.set_threshold(*GARBAGE_COLLECTION)
    import_keras()
    import keras

    from . import sandbox
    from .reading.result import Options
    from .subclassed import register

    if request["classes"]:
        sys.path.append(os.getcwd())
    modules = []
    for module in request["classes"]:
        try:
            modules.append(importlib.import_module(module))
        except Exception as error:  # the user's code can raise any error
            is_path = "/" in module or module.endswith(".py")
            hint = "expected the name of a module, such as my_project.vae for my_project/vae.py" if is_path else ""
            raise InvalidArgument(
                f"Cannot import the module {module} of --classes: {hint or named_cause(error)}"
            ) from None
    register(modules)
    classes = frozenset(keras.saving.get_custom_objects())
    if not request["trust"]:
        sandbox.guard(scratch)
    file = Path(request["file"])
    like, changes = _like(request["like"], file, Options(_folder(scratch, "like"), request["trust"], classes))
    result = read(file, Options(_folder(scratch, "file"), request["trust"], classes, like))
    return replace(result, changes=[*changes, *result.changes])


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    return folder


def _like(like: Any, file: Path, options: Options) -> tuple[keras.Model | None, list[str]]:
    """Returns the model that the weights-only file belongs to, and a line of text for each change.

    The model is created by a module, or read from another file.
    """
    if isinstance(like, str) and kinds.recognise(Path(like)) == "architecture":
        from .keras import architecture

        return architecture.build(Path(like), file, options)
    if isinstance(like, str):
        result = read(Path(like), options)
        if result.model is None:
            raise InvalidArgument(f"Expected a model with layers for --like. Received: {result.description}")
        return result.model, []
    if like is None:
        return None, []
    module, name = like
    return importlib.import_module(module).create(name), []


def _export(result: ReadResult, model: keras.Model, request: Mapping[str, Any], version: Path, report: Report) -> None:
    from ..export.writing import export
    from ..signatures.names import fit_names
    from . import answers, inputs, rebuilt
    from .parts import input_notes, named_parts, output_notes
    from .reading.result import RuntimeFails
    from .subclassed import as_functional

    model, lines = as_functional(model)
    for line in lines:
        report(f"    {line}")
    if not model.built or not model.inputs:
        raise FailedPrecondition(
            "The model was never built: give its first layer an input shape, and save the model again"
        )
    whole = bool(request["whole"])
    inputs.check_vocabularies(model)
    renamed = fit_names(model)
    parts = {each.old: each.new for each in renamed if each.what != "input"}
    given = [parts.get(request[option], request[option]) for option in ("encoder", "decoder")]
    named, notes = (model, []) if whole else named_parts(model, *given)
    notes += [*input_notes(model), *output_notes(named)]
    named, of_classes = inputs.named_classes(named, request["labels"], whole=whole)
    own = request["like"] is not None and not isinstance(request["like"], str)
    pixels, of_pixels = inputs.pixels(named, request["pixels"], default="0..1" if own else None, whole=whole)
    for note in [*map(str, renamed), *notes, *of_classes, *of_pixels]:
        report(f"    {note}")
    if result.reference is not None:
        try:
            largest = rebuilt.difference(model, named, result.reference, None if pixels == "unknown" else pixels)
            report(f"Compared with {result.reference_name}: largest difference {largest:.1g}")
        except RuntimeFails as error:
            report(f"Not compared with {result.reference_name}, which cannot run the file: {cause(error)}")
    exported = export(
        *(named, request["name"], version.parent / "exported", 1, request["labels"]),
        progress=report,
        pixels=pixels,
        whole=whole,
        finished=lambda folder, loaded: answers.write(folder, loaded, version.parent / "answers"),
    )
    exported.rename(version)
    if request["save"]:
        model.save(version.parent / "model.keras")


def _described(error: Exception, memory: int) -> dict[str, str]:
    """Returns the status code and the message of an error."""
    if isinstance(error, ServingError):
        return {"error": error.code.name, "message": str(error)}
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # the second is TensorFlow's
        message = f"The model needs more than {memory / (1 << 30):.1f} GiB of memory (--max-memory allows more)"
        return {"error": "RESOURCE_EXHAUSTED", "message": message}
    if isinstance(error, ModuleNotFoundError):
        message = (
            f"The package {error.name} is not installed. In the folder of the project, run: pip install '.[models]'"
        )
        return {"error": "FAILED_PRECONDITION", "message": message}
    if missing := isinstance(error, NameError) and _UNDEFINED.search(str(error)):
        message = (
            f"The code in the file uses {missing[1]}, which the file does not define. Save the function in a module "
            "that registers it, and import the module with --classes"
        )
        return {"error": "FAILED_PRECONDITION", "message": message}
    if unknown := _UNKNOWN_CLASS.search(str(error)):
        message = f"The class {unknown[1]} is unknown: import the module that defines it with --classes"
        return {"error": "FAILED_PRECONDITION", "message": message}
    # Libraries raise errors of many classes for a malformed model.
    traceback.print_exception(error)
    return {"error": "FAILED_PRECONDITION", "message": f"The model cannot be exported: {named_cause(error)}"}


def main() -> None:
    # Send the output of libraries to the log (stderr). Then stdout has only lines for the parent process.
    with os.fdopen(os.dup(1), "w", buffering=1) as lines:
        os.dup2(2, 1)

        def send(**event: Any) -> None:
            print(json.dumps(event), file=lines)

        request = json.load(sys.stdin)
        try:
            from . import sandbox

            sandbox.limit(request["memory"], request["seconds"])
            if not request["trust"]:  # also holds for C libraries, if the system has Landlock
                landlock.restrict([Path(request["folder"])], programs=True)
            run(request, lambda text: send(progress=text))
            send(done=True)
        except Exception as error:
            send(**_described(error, request["memory"]))
    os._exit(0)  # skip the exit handlers of libraries, which may fail


if __name__ == "__main__":
    main()
