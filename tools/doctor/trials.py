"""Runs a sample in each runtime. A trial raises an error if the runtime cannot run the model, or if results differ."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.targets import h5 as h5_file
from keras_gallery.serving.targets.convert import BATCHES, check, export_to
from keras_gallery.serving.targets.tfjs import node as tfjs_node
from keras_gallery.serving.targets.tfjs.weights import encode
from keras_gallery.serving.wire.signature import DEFAULT_SIGNATURE

from .cases import Case

_REASON = 160  # maximum number of characters of a reason
_ESCAPES = re.compile(r"\x1b\[\d*m|/tmp/[^ ]*/")
_XLA = "functions that Keras compiles with XLA cannot be converted"
_NO_FORM = "the model cannot be written in the format of Keras 2"
_DIFFERENT = "the results differ"
_WORDS = {  # pattern of an error message → reason in the table; the first match counts
    r"input_number=": "Keras cannot load the file that it saves",
    r"not a valid (?:root )?scope name": "TensorFlow allows only letters, digits and _ . \\ / > - in names",
    r"StatefulPartitionedCall": _XLA,
    r'In Node, \("[^"]*", PartitionedCall,': _XLA,
    r'In Node, \("[^"]*", (\w+),': "tf2onnx does not convert the operation {0}",
    r"operations that ONNX (?:has\. Received|lacks): ([\w, ]+)$": "tf2onnx does not convert {0}",
    r"No conversion rule found for operations: (\w+)": "OpenVINO does not convert the operation {0}",
    r"(\w+) in layer '": "TensorFlow.js does not have the operation {0}",
    r"Unknown (layer|activation): (\w+)": "TensorFlow.js does not have the {0} {1}",
    r"AssignVariableOp": "the graph contains the state of a random number generator",
    r"Type parameter.*bfloat16": "ONNX Runtime does not have the operation for bfloat16",
    r"ONNXRuntimeError": "ONNX Runtime rejects the output of tf2onnx",
    r"Exception from src/": "OpenVINO cannot compile the model",
    r"whose (?:\w+ are|input \w+ is) bytes": "the runtime supports only numbers, not strings",
    r"[Ff]orm of Keras [23]|HDF5 file holds (?:no|only)|^'name'$|^AssertionError|cannot pickle": _NO_FORM,
    r"Received: \w+ (?:has the |has \w+=|is of |is called )": _NO_FORM,
    r"No cast function|setting an array element": "the runtime does not support bfloat16",
    r"Error when deserializing": "Keras 2 cannot load the file",
    r"(?:^|Received: |\): )\S+ of shape": "the results have another shape or dtype",
    r"(?:^|Received: |\): )\S+ (?:off by|other in|different in|missing)": _DIFFERENT,
    r"a result (?:off by|of shape)": _DIFFERENT,
    r"could not be broadcast|cannot be broadcast|must match input depth|has NaN elements|Shape mismatch": (
        "TensorFlow.js raises an error about shapes"
    ),
    r"Tensor is disposed|is not iterable|Cannot read properties|to unknown dtype|can not be cast to": (
        "TensorFlow.js raises an error"
    ),
    r"in user code|zip\(\)": "the converter cannot convert the model's function",
    r"float8": "tf2onnx does not support this dtype",
}


def saved_model(case: Case, folder: Path, engine: TensorFlow) -> None:
    """Exports a SavedModel, and runs it in TensorFlow's C library, as TensorFlow Serving does."""
    endpoint, file = case.endpoint, folder / "saved_model"
    archive = keras.export.ExportArchive()
    archive.track(case.model)
    archive.add_endpoint(DEFAULT_SIGNATURE, endpoint.function, endpoint.inputs)
    archive.write_out(str(file), verbose=False)
    signatures = read_signatures(file)
    runner = engine.load(file, signatures)[DEFAULT_SIGNATURE]
    try:
        outputs = list(signatures[DEFAULT_SIGNATURE].outputs)
        check("the SavedModel", endpoint, lambda x: runner(x, outputs), lambda: "TensorFlow")
    finally:
        runner.close()


def exported(target: str, suffix: str) -> Callable[[Case, Path], object]:
    """Returns a trial that exports a model as `gallery export --to` does, and runs the file in its runtime."""
    return lambda case, folder: export_to(target, case.model, folder / f"{target}{suffix}")


def tfjs_layers(batch: Sequence[Case]) -> list[str]:
    """Converts HDF5 files of Keras 2 as TensorFlow.js's converter does, and runs the converted models in Node.

    Returns:
        For each case, the reason why the model fails, or "" if the model works.
    """
    with tempfile.TemporaryDirectory() as folder:
        reasons = in_fresh_process("tf_keras", ".h5", _plain_keras2, batch, saved=Path(folder))
        return [
            reason or reason_of(_layers_model, case, Path(folder, f"{number}.h5"))
            for number, (case, reason) in enumerate(zip(batch, reasons, strict=True))
        ]


def _plain_keras2(case: Case, file: Path) -> None:
    """Writes an HDF5 file exactly as Keras 2 does: each Bidirectional has only its forward layer."""
    keras2(case, file)
    with h5py.File(file, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "Bidirectional":
                layer["config"].pop("backward_layer", None)
                inner = layer["config"]["layer"]["config"]
                inner["name"] = inner["name"].removeprefix("forward_")
        file.attrs["model_config"] = json.dumps(config).encode()


def _layers_model(case: Case, file: Path) -> None:
    """Converts an HDF5 file of Keras 2 to a layers model, and runs it in Node."""
    file = file.with_suffix("")
    file.mkdir()
    with h5py.File(file) as opened:
        topology = {"keras_version": "2.15.0", "model_config": json.loads(opened.attrs["model_config"])}
        weights = {
            name.removesuffix(":0"): group[name][()]
            for group in opened["model_weights"].values()
            for name in group.attrs.get("weight_names", np.array([])).astype(str)
        }
    specs, data = encode(weights)
    (file / "weights.bin").write_bytes(data)
    manifest = [{"paths": ["weights.bin"], "weights": specs}]
    content = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
    (file / "model.json").write_text(json.dumps(content))
    endpoint = case.endpoint
    example = endpoint.example(1)
    outputs = list(endpoint.function(*(example[spec.name] for spec in endpoint.inputs)))

    def run(inputs: dict[str, Any]) -> dict[str, Any]:
        numbered = {str(at): inputs[spec.name] for at, spec in enumerate(endpoint.inputs)}
        return dict(zip(outputs, tfjs_node.ask(file / "model.json", numbered, tfjs_node.LAYERS).values(), strict=True))

    check("the layers model", endpoint, run, lambda: "TensorFlow.js")


def keras3(case: Case, file: Path) -> None:
    """Writes a .keras file of Keras 3."""
    case.model.save(file)


def keras2(case: Case, file: Path) -> None:
    """Writes an HDF5 file of Keras 2. Raises FailedPrecondition if the model cannot be written in that format."""
    for note in h5_file.write(case.model, case.endpoint, file):
        if is_keras3_only(note):
            raise FailedPrecondition(_NO_FORM)


def is_keras3_only(note: str) -> bool:
    """Whether a note of the HDF5 export says that the file has Keras 3's format, which Keras 2 cannot read."""
    return re.search(r"form(at)? of Keras 3|Keras 3('s)? form(at)?", note) is not None


def in_fresh_process(
    module: str, suffix: str, write: Callable[[Case, Path], None], batch: Sequence[Case], saved: Path | None = None
) -> list[str]:
    """Writes model files, loads them in one process without this project, and compares the results.

    Args:
        module: package that loads the files: "keras" or "tf_keras".
        suffix: suffix of the files.
        write: writes the file of a case.
        batch: the cases.
        saved: folder where the package saves each loaded model again, as `<number><suffix>`.

    Returns:
        For each case, the reason why the model fails, or "" if the model works.
    """

    def write_sample(case: Case, file: Path) -> None:
        endpoint = case.endpoint
        arrays: dict[str, Any] = {}
        for batch in BATCHES:
            inputs = [endpoint.example(batch)[spec.name] for spec in endpoint.inputs]
            results = case.model(inputs if len(inputs) > 1 else inputs[0], training=False)
            inputs = [each.astype("S") if each.dtype.hasobject else each for each in inputs]
            arrays |= {f"in{batch}_{at}": each for at, each in enumerate(inputs)}
            arrays |= {f"out{batch}_{at}": _plain(each) for at, each in enumerate(keras.tree.flatten(results))}
        np.savez(file.with_suffix(".npz"), **arrays)
        write(case, file)

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}{suffix}") for number in range(len(batch))]
        reasons = [reason_of(write_sample, case, file) for case, file in zip(batch, files, strict=True)]
        for file, reason in zip(files, reasons, strict=True):
            if reason:
                file.unlink(missing_ok=True)
        command = [sys.executable, "-I", str(Path(__file__).with_name("load_files.py")), module, folder]
        command += [str(saved)] if saved else []
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    return [reason or short(loaded[file.stem]) for file, reason in zip(files, reasons, strict=True)]


def _plain(value: Any) -> Any:
    """Converts a tensor to a NumPy array. Floating-point dtypes, such as bfloat16, become float32."""
    array = keras.ops.convert_to_numpy(value)
    return array.astype(np.float32) if array.dtype.kind in "Vf" else array


def reason_of(trial: Callable[..., object], *arguments: Any) -> str:
    """Runs a trial. Returns the reason why the trial fails, or "" if it succeeds."""
    try:
        trial(*arguments)
    except Exception as error:  # any error of a runtime is a reason why the trial fails
        return short(str(error) or type(error).__name__)
    return ""


def short(error: str) -> str:
    """Shortens an error message to a reason for the table: a phrase for a known error, or the start of the text."""
    text = " ".join(_ESCAPES.sub("", error).split())
    for pattern, words in _WORDS.items():
        if match := re.search(pattern, text):
            return words.format(*match.groups())
    text = text.rpartition("Received: ")[2]
    return text if len(text) <= _REASON else text[: _REASON - 1] + "…"
