"""Loads model files in Keras without this project, and compares the results with recorded ones.

    python load_files.py keras|tf_keras FOLDER [SAVED]

This program runs in a process of its own. For each model, FOLDER has `<number>.keras` or `<number>.h5`, and
`<number>.npz` with arrays `in<batch>_<position>` and `out<batch>_<position>`. It prints a JSON object: for each number
the reason why the model fails, or "". It saves each model that loads again in the folder SAVED.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-4  # same as `targets.TOLERANCE`


def difference(model: Any, file: Path) -> str:
    """Says how the model's results differ from those in the file; "" if they are equal within the tolerance."""
    arrays = np.load(file)
    for batch in sorted({name.split("_")[0].removeprefix("in") for name in arrays if name.startswith("in")}):
        inputs = [arrays[f"in{batch}_{at}"] for at in range(len(model.inputs))]
        results = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        results = list(results.values()) if isinstance(results, dict) else results
        for at, got in enumerate(results if isinstance(results, list | tuple) else [results]):
            got, want = np.asarray(got), arrays[f"out{batch}_{at}"]
            if got.shape != want.shape:
                return f"a result of shape {got.shape}"
            got, want = got.astype(np.float64), want.astype(np.float64)
            off = np.max(np.abs(got - want) / np.maximum(np.abs(want), 1), initial=0)
            if not off <= TOLERANCE:
                return f"a result off by {off:.1e}"
    return ""


def main() -> None:
    keras = importlib.import_module(sys.argv[1])
    reasons = {}
    for file in sorted(Path(sys.argv[2]).iterdir()):
        if file.suffix not in (".keras", ".h5"):
            continue
        keras.backend.clear_session()
        try:
            model = keras.models.load_model(file, compile=False)
            reasons[file.stem] = difference(model, file.with_suffix(".npz"))
            for folder in sys.argv[3:]:
                model.save(Path(folder, file.name))
        except Exception as error:  # any error of Keras is a reason
            reasons[file.stem] = " ".join(str(error).split()) or type(error).__name__
    print(json.dumps(reasons))


if __name__ == "__main__":
    main()
