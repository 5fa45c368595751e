"""Loads model files in Keras without this project, and compares the results with recorded results.

    python load_files.py keras|tf_keras FOLDER [SAVED]

`trials.py` starts this program in a fresh process. For each model, FOLDER has `<number>.keras` or `<number>.h5`, and
`<number>.npz` with arrays `in<batch>_<position>` and `out<batch>_<position>`. The program prints a JSON object, which
maps each number to the reason why the model fails, or to "". If SAVED is given, each loaded model is saved to the
folder SAVED.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-4  # equal to `serving.targets.convert.TOLERANCE`


def difference(model: Any, file: Path) -> str:
    """Describes how the model's results differ from the results in the file. "" if all are within `TOLERANCE`."""
    arrays = np.load(file)
    for batch in sorted({name.split("_")[0].removeprefix("in") for name in arrays if name.startswith("in")}):
        inputs = [arrays[f"in{batch}_{at}"] for at in range(len(model.inputs))]
        results = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        results = list(results.values()) if isinstance(results, dict) else results
        for at, result in enumerate(results if isinstance(results, list | tuple) else [results]):
            result, expected = np.asarray(result), arrays[f"out{batch}_{at}"]
            if result.shape != expected.shape:
                return f"a result of shape {result.shape}"
            result, expected = result.astype(np.float64), expected.astype(np.float64)
            deviation = np.max(np.abs(result - expected) / np.maximum(np.abs(expected), 1), initial=0)
            if not deviation <= TOLERANCE:
                return f"a result off by {deviation:.1e}"
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
        except Exception as error:  # any error of Keras is a reason why the model fails
            reasons[file.stem] = " ".join(str(error).split()) or type(error).__name__
    print(json.dumps(reasons))


if __name__ == "__main__":
    main()
