"""Runs a small model for each layer of Keras in each runtime, and records which models work.

    python -m tools.doctor.measure ['Conv*' ...] [--targets onnx,openvino] [--missing]

It updates the rows of the given layers in `serving/doctor/measured.json`, and keeps all other rows. A model works in
a runtime if the results of the runtime equal the results of Keras, with random weights and batches of 1 and 7.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_gallery.serving import doctor
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess

from . import trials
from .cases import Case, cases, key_of

FILE = Path(doctor.__file__).with_name("measured.json")
PACKAGES = ("keras", "tensorflow", "tf_keras", "tf2onnx", "onnxruntime", "openvino")
TOGETHER: dict[
    str, tuple[str, str, Callable[[Case, Path], None]]
] = {  # targets that run all models in one fresh process
    "keras": ("keras", ".keras", trials.keras3),
    "keras2": ("tf_keras", ".h5", trials.keras2),
}
ALONE: dict[str, Callable[[Case, Path], object]] = {
    "tfjs_graph": trials.exported("tfjs", ""),
    "onnx": trials.exported("onnx", ".onnx"),
    "openvino": trials.exported("openvino", ".xml"),
}
TARGETS = ("saved_model", *TOGETHER, "tfjs_layers", *ALONE)
_CHUNK = 16  # number of models that are measured together


def measure(batch: Sequence[Case], targets: Sequence[str]) -> dict[str, dict[str, str]]:
    """Returns {key of the case: {target: reason}}. The reason says why the model fails, or is "" if the model works."""
    reasons: dict[str, dict[str, str]] = {case.key: {} for case in batch}
    together = {name: trials.in_fresh_process(*TOGETHER[name], batch) for name in set(TOGETHER) & set(targets)}
    together |= {"tfjs_layers": trials.tfjs_layers(batch)} if "tfjs_layers" in targets else {}
    for target, results in together.items():
        for case, reason in zip(batch, results, strict=True):
            reasons[case.key][target] = reason
    process = TensorFlowProcess()
    engine = TensorFlow(process.address)
    try:
        for case in batch:
            with tempfile.TemporaryDirectory() as folder:
                if "saved_model" in targets:
                    reasons[case.key]["saved_model"] = trials.reason_of(trials.saved_model, case, Path(folder), engine)
                for target in set(ALONE) & set(targets):
                    reasons[case.key][target] = trials.reason_of(ALONE[target], case, Path(folder))
            print(f"{case.key} {reasons[case.key]}", file=sys.stderr)
    finally:
        engine.close()
        process.close()
    return reasons


def known() -> dict[str, dict[str, Any]]:
    """Returns the rows of `measured.json` by key."""
    rows = json.loads(FILE.read_text("utf-8"))["rows"] if FILE.is_file() else []
    return {key_of(row["layer"], row["when"]): row for row in rows}


def write(batch: Sequence[Case], reasons: Mapping[str, Mapping[str, str]]) -> None:
    """Updates `measured.json` with the results of `measure`."""
    rows = known()
    for case in batch:
        old = rows.get(case.key, {"ok": [], "no": {}})
        all_reasons = {**dict.fromkeys(old["ok"], ""), **old["no"], **reasons[case.key]}
        rows[case.key] = {
            "layer": case.layer,
            "when": case.when,
            "ok": sorted(target for target, reason in all_reasons.items() if not reason),
            "no": {target: reason for target, reason in sorted(all_reasons.items()) if reason},
        }
    lines = ",\n".join(json.dumps(rows[key], ensure_ascii=False) for key in sorted(rows))
    versions = json.dumps({name: version(name) for name in PACKAGES}, indent=1)
    partial = FILE.with_suffix(".partial")
    partial.write_text(f'{{"versions": {versions},\n"rows": [\n{lines}\n]}}\n', "utf-8")
    partial.replace(FILE)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.doctor.measure")
    parser.add_argument("layers", nargs="*", default=["*"], help="shell patterns of layer classes (default: all)")
    parser.add_argument(
        "--targets", default=",".join(TARGETS), help=f"comma-separated list of {', '.join(TARGETS)} (default: all)"
    )
    parser.add_argument(
        "--missing", action="store_true", help="measure only the results that the file does not have yet"
    )
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="time limit: if it is exceeded, exit with status 3"
    )
    values = parser.parse_args()
    start, rows = time.monotonic(), known() if values.missing else {}
    for targets, group in itertools.groupby(cases(values.layers), lambda case: _missing(case, values.targets, rows)):
        while targets and (batch := list(itertools.islice(group, _CHUNK))):
            write(batch, measure(batch, targets))
            if time.monotonic() - start > values.seconds:
                sys.exit(3)


def _missing(case: Case, targets: str, rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Returns the targets for which the row of a case has no result."""
    row = rows.get(case.key, {"ok": (), "no": {}})
    return [target for target in targets.split(",") if target not in row["ok"] and target not in row["no"]]


if __name__ == "__main__":
    main()
