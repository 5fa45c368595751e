"""A Keras model → `saved_models/<name>/<version>/`, ready for TensorFlow Serving and for the embedded server.

A version is written beside its place and renamed into it at the end, so that a watching server never sees half of
one. Before that it is loaded again and its answers are compared with the model's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .. import saved_model
from ..core import warmup
from ..engines.openvino import files as openvino_files
from ..engines.openvino.conversion import Converter
from ..engines.openvino.files import OpenVinoFiles
from ..errors import FailedPrecondition
from ..signatures import Endpoint, Texts, endpoints
from ..wire import messages, predict
from .comparing import difference, too_far
from .publishing import check_place, publish

TOLERANCE = 1e-5
BATCHES = (1, 7, 32)
Arrays = dict[str, np.ndarray[Any, Any]]


def export(
    model: keras.Model,
    name: str,
    root: str | Path = "saved_models",
    version: int | None = None,
    labels: Sequence[str] | None = None,
    texts: Texts | None = None,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Exports a model as a new version.

    Args:
        model: any built Keras model; see `signatures` for what it is exported with.
        name: what requests will call it; the folder below `root`.
        root: the folder of all models.
        version: its number; the next free one by default.
        labels: the names of its classes, where it classifies or detects; by default "0", "1" and so on.
        texts: what its ids stand for, by role: {"text": {"names": [...], "split": "words"}}; see `signatures`. Without
            them it takes ids alone.
        progress: called with a line of text at the start of each step.

    Returns:
        The folder of the version, which is live from then on.

    Raises:
        InvalidArgument: a name that is no folder name, a version that exists, or another number of labels than of
            classes, or of names than of ids.
        FailedPrecondition: the reloaded SavedModel answers otherwise than the model, or holds GPU-only operations,
            or Keras runs on another backend than TensorFlow. Nothing is left behind.
    """
    if keras.config.backend() != "tensorflow":
        raise FailedPrecondition(
            f"Expected Keras on TensorFlow for the export. Received: backend {keras.config.backend()} "
            "(save the model, then export it with KERAS_BACKEND=tensorflow)"
        )
    base = check_place(Path(root), name, version)
    found = endpoints(model, labels=labels, texts=texts)
    base.mkdir(parents=True, exist_ok=True)
    # A name that is no number: servers do not look inside.
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=base))
    try:
        _write(model, found, name, partial, progress or (lambda line: None))
        partial.chmod(0o755)  # mkdtemp makes it private; a server may be another user
        return publish(partial, base, version)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(
    model: keras.Model, found: Mapping[str, Endpoint], name: str, folder: Path, progress: Callable[[str], None]
) -> None:
    progress("Writing the SavedModel")
    archive = keras.export.ExportArchive()
    archive.track(model)
    for signature, endpoint in found.items():
        for table in endpoint.tables:
            archive.track(table)
        archive.add_endpoint(signature, endpoint.function, endpoint.inputs)
    archive.write_out(str(folder), verbose=False)
    _set_methods(folder, found)
    progress(f"Comparing the answers of {len(found)} signatures with the model's")
    loaded = tf.saved_model.load(str(folder))
    for signature, endpoint in found.items():
        run = loaded.signatures[signature]
        check(f"{name}: signature {signature} of the SavedModel", endpoint, _tensorflow_caller(run))
    _refuse_gpu_operations(name, folder)
    progress("Converting the signatures for OpenVINO")
    write_openvino(folder)
    write_warmup(folder, name, {signature: endpoint.example(1) for signature, endpoint in found.items()})


def _set_methods(folder: Path, found: Mapping[str, Endpoint]) -> None:
    """Names what each signature is for: Keras writes all as Predict's, and Classify and Regress take only their own."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    for signature, endpoint in found.items():
        updater.replace_method_name(signature, endpoint.method)
    updater.save()


def check(what: str, endpoint: Endpoint, run: Callable[[Arrays], Arrays]) -> None:
    """Compares what `run` answers with what the endpoint's own function answers, at batch 1, 7 and 32.

    Raises FailedPrecondition where floats differ by more than 1e-5 (absolutely, or of the value where that is more),
    or where anything else differs.
    """
    # As a graph, as the SavedModel is: else the best of two classes that are all but equal may be another.
    function = tf.function(endpoint.function, input_signature=endpoint.inputs).get_concrete_function()
    for batch in BATCHES:
        inputs = endpoint.example(batch)
        expected = function(*(tf.constant(inputs[spec.name], spec.dtype) for spec in endpoint.inputs))
        got = run(inputs)
        for key, value in expected.items():
            if problem := too_far(difference(got[key], value.numpy()), TOLERANCE):
                raise FailedPrecondition(
                    f"Expected {what} to answer as the model does (within {TOLERANCE}). "
                    f"Received: {key} {problem} at batch {batch}"
                )


def _tensorflow_caller(function: Any) -> Callable[[Arrays], Arrays]:
    return lambda inputs: {
        key: value.numpy() for key, value in function(**{k: tf.constant(v) for k, v in inputs.items()}).items()
    }


def operations(graph: Any) -> set[str]:
    """The names of the operations in a `GraphDef` and its functions."""
    nodes = [node for function in graph.library.function for node in function.node_def] + list(graph.node)
    return {node.op for node in nodes}


def _refuse_gpu_operations(name: str, folder: Path) -> None:
    """No `Cudnn*` operation: such a graph would load on no CPU."""
    graph = saved_model.read_meta_graph(folder).graph_def
    found = sorted(op for op in operations(graph) if op.startswith("Cudnn"))
    if found:
        raise FailedPrecondition(f"Expected {name} to run on a CPU. Received: {', '.join(found)} in its graph")


def write_openvino(folder: Path) -> None:
    """Adds an OpenVINO file for each signature that OpenVINO takes, gets right, and runs faster."""
    target = folder / openvino_files.FOLDER
    target.mkdir(parents=True)
    Converter(OpenVinoFiles()).convert_into(target, folder)


def write_warmup(folder: Path, name: str, inputs: Mapping[str, Arrays]) -> None:
    """A request for each signature that a server runs before it answers others."""
    os.makedirs(folder / warmup.FILE.parent, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / warmup.FILE)) as out:
        for signature, arrays in inputs.items():
            request = predict.encode_request(predict.ModelSpec(name, signature=signature), arrays)
            log = messages.PredictionLog()
            log.predict_log.request.ParseFromString(request)
            out.write(log.SerializeToString())
