"""The child process of an import: reads one file, exports it, and says in lines of JSON how it goes.

`process.py` starts it.

A request comes in on stdin: `file`, `name`, `folder` (scratch), `trust`, `classes` (modules), `like` (a file, or a
model of a registry: [module, name]), `encoder`, `decoder`, `labels`, `save` (whether to keep the model). Out go lines:
{"say": …}, and at last {"done": …} or {"error": …}.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FailedPrecondition, InvalidArgument, ServingError
from ..export.comparing import difference, too_far
from .reading import kinds

if TYPE_CHECKING:
    import keras

    from .reading.found import Arrays, Found, Options

Say = Callable[[str], None]
TOLERANCE = 1e-4
BATCHES = (1, 7)
READERS = {
    "keras": "keras.keras_file",
    "h5": "keras.h5_file",
    "weights": "keras.weights_file",
    "saved_model": "saved_model.folder",
    "tfjs_layers": "tfjs.file",
    "tfjs_graph": "tfjs.file",
    "onnx": "onnx.file",
}


def run(request: Mapping[str, Any], say: Say) -> None:
    """Reads `file` and leaves the exported version in `folder`/version, and answers of it in `folder`/answers."""
    scratch, name = Path(request["folder"]), str(request["name"])
    found = _read(request, scratch, say)
    say(f"Found {found.what}")
    say(f"Taken: {found.way}")
    for change in found.changes:
        say(f"    {change}")
    place = scratch / "version"
    if found.model is not None:
        _export(found, found.model, request, place, say)
    elif found.saved_model is not None:
        if request["encoder"] or request["decoder"] or request["save"]:
            raise InvalidArgument("Expected a file with layers to take apart or save. Received: a graph without")
        from .saved_model import served_graph as graph

        for note in graph.write(found.saved_model, name, place):
            say(f"    {note}")
    _write_answers(place, scratch / "answers")


def read(file: Path, options: Options) -> Found:
    """What the file holds, by its kind. Raises ServingError."""
    reader = importlib.import_module(f".{READERS[kinds.recognise(file)]}", __package__)
    found: Found = reader.read(file, options)
    return found


def _read(request: Mapping[str, Any], scratch: Path, say: Say) -> Found:
    kind = kinds.recognise(Path(request["file"]))
    if request["like"] and kind != "weights":
        raise InvalidArgument(f"Expected a file of weights alone for --like. Received: {kinds.NAMES[kind]}")
    say("Loading Keras and TensorFlow")
    import keras

    from . import sandbox
    from .reading.found import Options

    if request["classes"]:
        sys.path.append(os.getcwd())
    for module in request["classes"]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InvalidArgument(f"Expected a module to import for --classes. Received: {module} ({error})") from None
    classes = frozenset(keras.saving.get_custom_objects())
    if not request["trust"]:
        sandbox.guard(scratch)
    like = _like(request["like"], Options(_folder(scratch, "like"), request["trust"], classes))
    return read(Path(request["file"]), Options(_folder(scratch, "file"), request["trust"], classes, like))


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    return folder


def _like(like: Any, options: Options) -> keras.Model | None:
    """The model that weights are for: of a registry, or of another file."""
    if isinstance(like, str):
        found = read(Path(like), options)
        if found.model is None:
            raise InvalidArgument(f"Expected a model with layers for --like. Received: {found.what}")
        return found.model
    if like is None:
        return None
    module, name = like
    return importlib.import_module(module).create(name)


def _export(found: Found, model: keras.Model, request: Mapping[str, Any], place: Path, say: Say) -> None:
    from ..export.writing import export
    from .parts import named_parts

    if not model.built or not model.inputs:
        raise FailedPrecondition(
            "Expected a model that knows its inputs' shapes. Received: one that was never built (give its first "
            "layer an input shape)"
        )
    named, notes = named_parts(model, request["encoder"], request["decoder"])
    for note in notes:
        say(f"    {note}")
    if found.old is not None:
        say(f"Answers of {found.old_name}: differ by {_difference(model, named, found.old):.1g} at most")
    say("Exporting it as a SavedModel, and comparing the SavedModel with the model")
    made = export(named, request["name"], place.parent / "exported", 1, request["labels"])
    made.rename(place)
    if request["save"]:
        model.save(place.parent / "model.keras")


def _difference(model: keras.Model, named: keras.Model, old: Callable[[Arrays], Arrays]) -> float:
    """How far the new answers are from the old ones. Raises FailedPrecondition where that is too far."""
    import numpy as np

    from ..signatures.find import plain

    endpoint, worst = plain(model, seed=0), 0.0
    for batch in BATCHES:
        inputs = endpoint.example(batch)
        new = [np.asarray(each) for each in _outputs(named, [inputs[spec.name] for spec in endpoint.inputs])]
        for (name, before), after in zip(old(inputs).items(), new, strict=True):
            off = difference(after, before)
            if problem := too_far(off, TOLERANCE):
                raise FailedPrecondition(
                    f"Expected the model to answer as the file does (within {TOLERANCE:g}). Received: {name} {problem}"
                )
            worst = max(worst, float(off))
    return worst


def _outputs(model: keras.Model, inputs: list[Any]) -> list[Any]:
    """The outputs of a model in order, for its inputs in order."""
    import keras

    found: list[Any] = keras.tree.flatten(model(keras.tree.pack_sequence_as(model.input, inputs), training=False))
    return found


def _write_answers(place: Path, folder: Path) -> None:
    """What TensorFlow answers to the warm-up requests: for each signature a file with a PredictResponse."""
    import tensorflow as tf

    from ..core import warmup
    from ..wire import predict

    loaded = tf.saved_model.load(str(place))
    folder.mkdir()
    for number, record in enumerate(warmup.read(place)):
        spec = record.request.spec
        inputs = {key: tf.constant(value) for key, value in record.request.inputs.items()}
        outputs = {key: value.numpy() for key, value in loaded.signatures[spec.signature](**inputs).items()}
        (folder / f"{number}.pb").write_bytes(predict.encode_response(spec, outputs))


def main() -> None:
    # What libraries print goes to the log; the lines for the parent have a file of their own.
    with os.fdopen(os.dup(1), "w", buffering=1) as lines:
        os.dup2(2, 1)

        def tell(**event: Any) -> None:
            print(json.dumps(event), file=lines)

        try:
            request = json.load(sys.stdin)
            from . import sandbox

            sandbox.limit()
            run(request, lambda text: tell(say=text))
            tell(done=True)
        except ServingError as error:
            tell(error=error.code.name, message=str(error))
        except MemoryError:
            tell(
                error="RESOURCE_EXHAUSTED",
                message="Expected a model that fits into memory. Received: one that does not",
            )
        except Exception as error:  # libraries raise all kinds for what is not as it should be
            import traceback

            traceback.print_exc()
            what = " ".join(str(error).split())[:300]
            tell(error="FAILED_PRECONDITION", message=f"Expected a model that can be exported. Received: {what}")
    os._exit(0)  # it is done: nothing must go wrong in the libraries' own endings


if __name__ == "__main__":
    main()
