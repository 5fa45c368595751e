"""Exports a Keras model to `saved_models/<name>/<version>/` for TensorFlow Serving and Keras Gallery's own server.

A version is written to a temporary folder. Then the SavedModel is loaded, and its outputs are compared with the outputs
of the Keras model. At the end, the folder is renamed, so that a server never sees an incomplete version.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ...preparation.description import Preparation
from .. import description, saved_model, warmup_file
from ..errors import FailedPrecondition, InvalidArgument
from ..signatures import Endpoint, Texts, endpoints
from ..signatures.corrections import corrected
from ..signatures.names import fit_names
from ..signatures.outputs import output_names, output_sources
from ..signatures.pixels import UNKNOWN
from ..signatures.shared import Shared
from ..wire import messages, predict
from ..wire.signature import DEFAULT_SIGNATURE, PIXELS
from . import checking
from .annotations import annotate, described, write_preparation
from .card import write_card
from .checking import Arrays
from .openvino import named, write_openvino
from .publishing import model_folder, publish
from .tracking import Tracked, save


@corrected()
def export(
    model: keras.Model,
    name: str,
    root: str | Path = "saved_models",
    version: int | None = None,
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
    progress: Callable[[str], None] | None = None,
    pixels: str | None = None,
    *,
    preparation: Preparation | Mapping[str, Any] | None = None,
    whole: bool = False,
    about: Mapping[str, Any] | None = None,
    finished: Callable[[Path, Any], None] | None = None,
) -> Path:
    """Exports a model as a new version.

    Args:
        model: any built Keras model. See `signatures.endpoints` for the signatures.
        name: name of the model in requests, and of its folder below `root`.
        root: folder of all models.
        version: number of the version, by default the next free number.
        labels: names of the classes of a classifier or a detector, by default "0", "1" and so on.
        texts: tokens that ids stand for, by role: {"text": {"names": [...], "split": "words"}}. See
            `signatures.endpoints`. Without `texts`, the model takes ids only.
        progress: called with a line of text at the start of each step.
        pixels: which pixel values a model of images expects: "0..255", "0..1" or "-1..1". By default, the first layers
            say it; if they do not, it is "0..1". For "unknown", there are no signatures for PNG or JPEG files.
        preparation: how training made the inputs of the model from the data, as in a run's `preparation.json`. The
            signatures for image files then take pictures of any size, and a model of a table gets signatures for rows.
        whole: whether the model gets only the signature `serving_default`, with the names of its inputs and outputs.
        about: what the version's card says about the model, as JSON, see `training.about`. The layers are added.
        finished: called with the folder of the finished version, before the folder gets its name, and with the
            SavedModel that TensorFlow has loaded from this folder.

    Returns:
        The folder of the version. Servers that watch `root` load the version.

    Raises:
        InvalidArgument: `name` is not a folder name, the version exists, the number of labels or names is wrong,
            `pixels` is not one of these ranges, or `preparation` is wrong or does not fit the model.
        FailedPrecondition: the outputs of the SavedModel differ from the model's outputs, the graph needs a GPU, or the
            Keras backend is not TensorFlow. No files are left behind.
    """
    if keras.config.backend() != "tensorflow":
        raise FailedPrecondition(
            f"The export needs the TensorFlow backend of Keras, not {keras.config.backend()}: "
            "save the model, then export it with KERAS_BACKEND=tensorflow"
        )
    base = model_folder(Path(root), name, version)
    if pixels not in (None, UNKNOWN, *PIXELS):
        raise InvalidArgument(f"Expected pixels of {', '.join(PIXELS)} or {UNKNOWN}. Received: {pixels}")
    prepared = described(preparation)
    say = progress or (lambda line: None)
    renamed = fit_names(model)
    try:
        for each in renamed:
            say(str(each))
        signatures = endpoints(
            Shared(model), labels=labels, texts=texts, pixels=pixels, preparation=prepared, whole=whole
        )

        def complete(folder: Path, loaded: Any) -> None:
            write_preparation(folder, prepared)
            write_card(folder, model, about or {})
            if finished:
                finished(folder, loaded)

        return _export(model, signatures, name, base, version, say, complete, labels)
    finally:
        for each in reversed(renamed):
            each.undo()


def _export(
    model: keras.Model,
    signatures: Mapping[str, Endpoint],
    name: str,
    base: Path,
    version: int | None,
    progress: Callable[[str], None],
    finished: Callable[[Path, Any], None],
    labels: Sequence[str] | None,
) -> Path:
    """Writes and checks a version, and moves it to its folder below `base`. Returns the folder."""
    base.mkdir(parents=True, exist_ok=True)
    # Servers ignore folders whose name is not a number.
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=base))
    try:
        loaded = _write(model, signatures, name, partial, progress)
        description.write(partial, labels=tuple(labels or ()))
        with checking.without_optimization():  # as in `check`, so that TensorFlow does not compile the graphs again
            finished(partial, loaded)
        partial.chmod(0o755)  # mkdtemp makes the folder private, but the server may run as another user
        return publish(partial, base, version)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(
    model: keras.Model, signatures: Mapping[str, Endpoint], name: str, folder: Path, progress: Callable[[str], None]
) -> Any:
    """Writes a version, checks it, and returns the SavedModel that TensorFlow has loaded from `folder`."""
    progress("Writing the SavedModel")
    # Concrete functions, because `tf.saved_model.save` (and so `keras.export.ExportArchive`) traces others once more.
    distinct = {id(endpoint): endpoint for endpoint in signatures.values()}
    traced = {
        key: tf.function(endpoint.function, endpoint.inputs, autograph=False).get_concrete_function()
        for key, endpoint in distinct.items()
    }
    graphs = {signature: traced[id(endpoint)] for signature, endpoint in signatures.items()}
    tables = [table for endpoint in signatures.values() for table in endpoint.tables]
    save(Tracked(model, graphs, tables), folder, graphs)
    sources = dict(zip(output_names(model), output_sources(model), strict=True))
    _set_methods(folder, signatures)
    progress(f"Comparing the answers with those of the Keras model, for {len(signatures)} signature(s)")
    loaded = tf.saved_model.load(str(folder))
    for signature, endpoint in signatures.items():
        run = loaded.signatures[signature]
        what = f"{name}: signature {signature} of the SavedModel"
        checking.check(what, endpoint, graphs[signature], checking.tensorflow_caller(run))
        if signature == DEFAULT_SIGNATURE and checking.is_quick_without_graph(model):
            checking.check_eagerly(what, endpoint, checking.tensorflow_caller(run))
    outputs = {key: graph.structured_outputs for key, graph in graphs.items()}
    description.write(
        folder, outputs={key: {each: sources.get(each, "") for each in found} for key, found in outputs.items()}
    )
    _check_no_gpu_operations(name, folder)
    progress("Converting the signatures for OpenVINO, and comparing both engines")
    write_openvino(folder, model, signatures)
    write_warmup(
        folder, name, {signature: named(endpoint, endpoint.example(1)) for signature, endpoint in signatures.items()}
    )
    return loaded


def _set_methods(folder: Path, signatures: Mapping[str, Endpoint]) -> None:
    """Sets the method name of each signature.

    Keras writes the method name of Predict. Classify and Regress requests reject signatures with this method name.
    """
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    for signature, endpoint in signatures.items():
        updater.replace_method_name(signature, endpoint.method)
    updater.save()
    annotate(folder / "saved_model.pb", signatures)


def operations(graph: Any) -> set[str]:
    """Returns the names of the operations in a `GraphDef` and its functions."""
    nodes = [node for function in graph.library.function for node in function.node_def] + list(graph.node)
    return {node.op for node in nodes}


def _check_no_gpu_operations(name: str, folder: Path) -> None:
    """Raises FailedPrecondition if the graph has `Cudnn*` operations, which do not load on a CPU."""
    graph = saved_model.read_meta_graph(folder).graph_def
    gpu_operations = sorted(op for op in operations(graph) if op.startswith("Cudnn"))
    if gpu_operations:
        raise FailedPrecondition(f"{name} cannot run on a CPU: its graph has {', '.join(gpu_operations)}")


def write_warmup(folder: Path, name: str, inputs: Mapping[str, Arrays]) -> None:
    """Writes a warm-up request for each signature. A server runs the warm-up requests before it serves the model."""
    os.makedirs(folder / warmup_file.FILE.parent, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / warmup_file.FILE)) as out:
        for signature, arrays in inputs.items():
            request = predict.encode_request(predict.ModelSpec(name, signature=signature), arrays)
            log = messages.PredictionLog()
            log.predict_log.request.ParseFromString(request)
            out.write(log.SerializeToString())
