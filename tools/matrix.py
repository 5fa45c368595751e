"""Runs every architecture in every runtime, and writes the differences from Keras to a table in docs/import.md.

    python -m tools.matrix [MODEL ...] [--targets onnx,openvino] [--missing]

For each model (by default all), the program builds the model with default hyperparameters and a fixed seed, exports the
model to each target, and runs the exported model in the target's own runtime with batches of 1 and 7. It writes the
largest difference to `docs/import.json`. This takes about a minute per model.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_gallery.models import create, list_models
from keras_gallery.serving.client import Client
from keras_gallery.serving.doctor.judge import examine
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.export.writing import export
from keras_gallery.serving.importer.reading.config import read_config
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.signatures import endpoints
from keras_gallery.serving.targets import h5 as h5_file
from keras_gallery.serving.targets.convert import check, export_to
from keras_gallery.serving.wire.signature import DEFAULT_SIGNATURE

from .doctor.trials import is_keras3_only
from .matrix_page import BEGIN, DOCS, END, table

SEED = 7

Result = dict[str, Any]  # {"runtime": ..., "difference": ...} or {"reason": ...}


def served(name: str, model: Any, folder: Path) -> Result:
    """Measures a SavedModel of the model in the embedded server (`serving/server`), with requests over gRPC."""
    endpoint = endpoints(model)[DEFAULT_SIGNATURE]
    export(model, name, folder)
    folders = {name: folder / name}
    with ServerProcess("embedded", folders, port=free_port(), rest_port=free_port(), log=folder / "log") as server:
        server.wait_until_ready()
        with Client(server.grpc) as client:
            difference, _ = check("", endpoint, lambda x: client.predict(name, x), lambda: "")
    return {"runtime": "the embedded server", "difference": difference}


def exported(target: str, suffix: str) -> Callable[[str, Any, Path], Result]:
    """Returns a function that measures a target of `gallery export --to`."""

    def measure(name: str, model: Any, folder: Path) -> Result:
        written = export_to(target, model, folder / f"{name}{suffix}")
        result: Result = {"runtime": written.runtime, "difference": written.difference}
        notes = [note for note in written.notes if is_keras3_only(note)]
        return result | ({"note": notes[0]} if notes else {})

    return measure


def by_doctor(name: str, model: Any, folder: Path) -> Result:
    """Returns the doctor's verdict for DL4J on the file of `gallery export --to h5`. Does not run DL4J."""
    file = folder / f"{name}.h5"
    for note in h5_file.write(model, endpoints(model)[DEFAULT_SIGNATURE], file):
        if is_keras3_only(note):
            return {"reason": note}
    (verdict,) = (each for each in examine(read_config(file)) if each.target == "dl4j")
    return {} if verdict.ok else {"reason": f"{verdict.layer}: {verdict.reason}"}


TARGETS: dict[str, Callable[[str, Any, Path], Result]] = {
    "embedded": served,
    "keras": exported("keras", ".keras"),
    "h5": exported("h5", ".h5"),
    "tfjs": exported("tfjs", ""),
    "onnx": exported("onnx", ".onnx"),
    "openvino": exported("openvino", ".xml"),
    "dl4j": by_doctor,
}


def measure(name: str, targets: Sequence[str]) -> dict[str, Result]:
    """Returns the result of an architecture in each target."""
    import keras

    results = {}
    for target in targets:
        keras.utils.set_random_seed(SEED)
        model = create(name)
        with tempfile.TemporaryDirectory() as folder:
            try:
                results[target] = TARGETS[target](name, model, Path(folder))
            except ServingError as error:
                results[target] = {"reason": str(error).rpartition("Received: ")[2]}
        print(f"{name} {target}: {results[target]}", file=sys.stderr, flush=True)
    return results


def write(results: Mapping[str, Mapping[str, Result]], docs: Path) -> None:
    """Writes the results to `import.json`, and a table of the results between the markers in `import.md`."""
    (docs / DOCS).with_suffix(".json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
    page = docs / DOCS
    text = page.read_text("utf-8") if page.is_file() else f"{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", "utf-8")


def read(docs: Path) -> dict[str, dict[str, Result]]:
    """Reads the recorded results: a dictionary of targets for each architecture."""
    file = (docs / DOCS).with_suffix(".json")
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.matrix")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="architectures (default: all)")
    parser.add_argument(
        "--targets", default=",".join(TARGETS), help=f"comma-separated list of {', '.join(TARGETS)} (default: all)"
    )
    parser.add_argument("--missing", action="store_true", help="measure only the results that are not recorded yet")
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), help="folder of import.md and import.json (default: docs)"
    )
    values = parser.parse_args(arguments)
    for name in values.models or list_models():
        known = read(values.docs).get(name, {})
        targets = [each for each in values.targets.split(",") if not (values.missing and each in known)]
        measured = measure(name, targets)
        results = read(values.docs)
        results[name] = results.get(name, {}) | measured
        write(results, values.docs)


if __name__ == "__main__":
    main()
