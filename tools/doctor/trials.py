"""How a sample is tried in each runtime. A trial raises where the runtime does not take it, or answers otherwise."""

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

_REASON = 160  # characters
_ESCAPES = re.compile(r"\x1b\[\d*m|/tmp/[^ ]*/")
_XLA = "functions that Keras compiles by XLA are not converted"
_NO_FORM = "no form of Keras 2 is written of it"
_WORDS = {  # what is in an error, and what it means; the first that fits counts
    r"input_number=": "Keras does not read what it writes of it",
    r"not a valid (?:root )?scope name": "TensorFlow wants names of letters, digits, and _ . \\ / > - between",
    r"StatefulPartitionedCall": _XLA,
    r'In Node, \("[^"]*", PartitionedCall,': _XLA,
    r'In Node, \("[^"]*", (\w+),': "tf2onnx does not convert the operation {0}",
    r"operations that ONNX lacks: ([\w, ]+)$": "tf2onnx does not convert {0}",
    r"No conversion rule found for operations: (\w+)": "OpenVINO does not convert the operation {0}",
    r"(\w+) in layer '": "TensorFlow.js does not have the operation {0}",
    r"Unknown (layer|activation): (\w+)": "TensorFlow.js does not have the {0} {1}",
    r"AssignVariableOp": "the seed of its random numbers stays in the graph",
    r"Type parameter.*bfloat16": "ONNX Runtime has no such operation on bfloat16",
    r"ONNXRuntimeError": "ONNX Runtime refuses what tf2onnx writes",
    r"Exception from src/": "OpenVINO does not compile it",
    r"whose input \w+ is bytes": "it takes numbers, and no texts",
    r"[Ff]orm of Keras [23]|HDF5 file holds only|^'name'$|^AssertionError|cannot pickle": _NO_FORM,
    r"Received: \w+ (?:has the |has \w+=|is of |is called )": _NO_FORM,
    r"No cast function|setting an array element": "it has no bfloat16",
    r"Error when deserializing": "Keras 2 does not read it",
    r"(?:^|Received: |\): )\S+ of shape": "its answers are of another shape or type there",
    r"(?:^|Received: |\): )\S+ (?:off by|different in|missing)": "its answers are others there",
    r"an answer (?:off by|of shape)": "its answers are others there",
    r"could not be broadcast|cannot be broadcast|must match input depth|has NaN elements|Shape mismatch": (
        "TensorFlow.js fails at its shapes"
    ),
    r"Tensor is disposed|is not iterable|Cannot read properties|to unknown dtype|can not be cast to": (
        "TensorFlow.js fails at it"
    ),
    r"in user code|zip\(\)": "the converter fails at its function",
    r"float8": "tf2onnx has no such dtype",
}


def saved_model(case: Case, folder: Path, engine: TensorFlow) -> None:
    """Exports the model and asks it in TensorFlow's C library, which TensorFlow Serving is made of."""
    endpoint, place = case.endpoint, folder / "saved_model"
    archive = keras.export.ExportArchive()
    archive.track(case.model)
    archive.add_endpoint(DEFAULT_SIGNATURE, endpoint.function, endpoint.inputs)
    archive.write_out(str(place), verbose=False)
    signatures = read_signatures(place)
    runner = engine.load(place, signatures)[DEFAULT_SIGNATURE]
    try:
        outputs = list(signatures[DEFAULT_SIGNATURE].outputs)
        check("the SavedModel", endpoint, lambda x: runner(x, outputs), lambda: "TensorFlow")
    finally:
        runner.close()


def exported(target: str, suffix: str) -> Callable[[Case, Path], object]:
    """The trial of what `gallery export --to` writes, and asks in its runtime."""
    return lambda case, folder: export_to(target, case.model, folder / f"{target}{suffix}")


def tfjs_layers(found: Sequence[Case]) -> list[str]:
    """Writes HDF5 files of Keras 2 as TensorFlow.js's converter does, and asks them in Node.

    Returns:
        For each case why it fails, "" where it does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        given = in_fresh_process("tf_keras", ".h5", _keras2_alike, found, kept=Path(folder))
        return [
            reason or reason_of(_layers_model, case, Path(folder, f"{number}.h5"))
            for number, (case, reason) in enumerate(zip(found, given, strict=True))
        ]


def _keras2_alike(case: Case, place: Path) -> None:
    """As `keras2`, with one layer in each Bidirectional, named as in Keras 2; the export writes both of Keras 3's."""
    keras2(case, place)
    with h5py.File(place, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "Bidirectional":
                layer["config"].pop("backward_layer", None)
                inner = layer["config"]["layer"]["config"]
                inner["name"] = inner["name"].removeprefix("forward_")
        file.attrs["model_config"] = json.dumps(config).encode()


def _layers_model(case: Case, file: Path) -> None:
    """Asks what Keras 2 has written in `file`, as a layers model."""
    place = file.with_suffix("")
    place.mkdir()
    with h5py.File(file) as opened:
        topology = {"keras_version": "2.15.0", "model_config": json.loads(opened.attrs["model_config"])}
        found = {
            name.removesuffix(":0"): group[name][()]
            for group in opened["model_weights"].values()
            for name in group.attrs.get("weight_names", np.array([])).astype(str)
        }
    specs, data = encode(found)
    (place / "weights.bin").write_bytes(data)
    manifest = [{"paths": ["weights.bin"], "weights": specs}]
    described = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
    (place / "model.json").write_text(json.dumps(described))
    endpoint = case.endpoint
    example = endpoint.example(1)
    outputs = list(endpoint.function(*(example[spec.name] for spec in endpoint.inputs)))

    def ask(inputs: dict[str, Any]) -> dict[str, Any]:
        given = {str(at): inputs[spec.name] for at, spec in enumerate(endpoint.inputs)}
        return dict(zip(outputs, tfjs_node.ask(place / "model.json", given, tfjs_node.LAYERS).values(), strict=True))

    check("the layers model", endpoint, ask, lambda: "TensorFlow.js")


def keras3(case: Case, place: Path) -> None:
    """Writes a .keras file."""
    case.model.save(place)


def keras2(case: Case, place: Path) -> None:
    """Writes an HDF5 file of Keras 2. Raises FailedPrecondition where there is no such form."""
    for note in h5_file.write(case.model, case.endpoint, place):
        if note.startswith("in the form of Keras 3"):
            raise FailedPrecondition("Expected a form of Keras 2. Received: no form of Keras 2 is written of it")


def in_fresh_process(
    module: str, suffix: str, write: Callable[[Case, Path], None], found: Sequence[Case], kept: Path | None = None
) -> list[str]:
    """Loads files with a Keras, `keras` or `tf_keras`, all in one process that knows nothing of this project.

    Args:
        module: that Keras.
        suffix: of the files.
        write: writes a model's file.
        found: the models.
        kept: a folder where that Keras saves the models again, by their numbers.

    Returns:
        For each case why it fails, "" where it does not.
    """

    def put(case: Case, place: Path) -> None:
        endpoint = case.endpoint
        arrays: dict[str, Any] = {}
        for batch in BATCHES:
            inputs = [endpoint.example(batch)[spec.name] for spec in endpoint.inputs]
            results = case.model(inputs if len(inputs) > 1 else inputs[0], training=False)
            inputs = [each.astype("S") if each.dtype.hasobject else each for each in inputs]
            arrays |= {f"in{batch}_{at}": each for at, each in enumerate(inputs)}
            arrays |= {f"out{batch}_{at}": _plain(each) for at, each in enumerate(keras.tree.flatten(results))}
        np.savez(place.with_suffix(".npz"), **arrays)
        write(case, place)

    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, f"{number}{suffix}") for number in range(len(found))]
        given = [reason_of(put, case, place) for case, place in zip(found, places, strict=True)]
        for place, reason in zip(places, given, strict=True):
            if reason:
                place.unlink(missing_ok=True)
        command = [sys.executable, "-I", str(Path(__file__).with_name("load_files.py")), module, folder]
        command += [str(kept)] if kept else []
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    return [reason or short(loaded[place.stem]) for place, reason in zip(places, given, strict=True)]


def _plain(value: Any) -> Any:
    """As float32 where NumPy has no such type, as of bfloat16."""
    array = keras.ops.convert_to_numpy(value)
    return array.astype(np.float32) if array.dtype.kind in "Vf" else array


def reason_of(trial: Callable[..., object], *arguments: Any) -> str:
    """Why it fails; "" where it does not."""
    try:
        trial(*arguments)
    except Exception as error:  # whatever a runtime raises is the answer
        return short(str(error) or type(error).__name__)
    return ""


def short(error: str) -> str:
    """In our words where it is known; else what came, of an error of ours, or the first words of others'."""
    text = " ".join(_ESCAPES.sub("", error).split())
    for pattern, words in _WORDS.items():
        if match := re.search(pattern, text):
            return words.format(*match.groups())
    text = text.rpartition("Received: ")[2]
    return text if len(text) <= _REASON else text[: _REASON - 1] + "…"
