"""Loads model files in a Keras that knows nothing of this project, and compares their answers.

    python load_files.py keras|tf_keras FOLDER [KEPT]

A program, run in a process of its own. FOLDER holds, for each model, `<number>.keras` or `<number>.h5`, and
`<number>.npz` with arrays `in<batch>_<position>` and `out<batch>_<position>`. Prints JSON: why not, "" where it is all
right, by number. Saves the models that are all right again in the folder KEPT.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-4  # as `targets.TOLERANCE`


def difference(model: Any, file: Path) -> str:
    """How the model's answers differ from those in the file; "" where they do not."""
    arrays = np.load(file)
    for batch in sorted({name.split("_")[0].removeprefix("in") for name in arrays if name.startswith("in")}):
        inputs = [arrays[f"in{batch}_{at}"] for at in range(len(model.inputs))]
        results = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        results = list(results.values()) if isinstance(results, dict) else results
        for at, got in enumerate(results if isinstance(results, list | tuple) else [results]):
            got, want = np.asarray(got), arrays[f"out{batch}_{at}"]
            if got.shape != want.shape:
                return f"an answer of shape {got.shape}"
            got, want = got.astype(np.float64), want.astype(np.float64)
            off = np.max(np.abs(got - want) / np.maximum(np.abs(want), 1), initial=0)
            if not off <= TOLERANCE:
                return f"an answer off by {off:.1e}"
    return ""


def main() -> None:
    keras = importlib.import_module(sys.argv[1])
    found = {}
    for file in sorted(Path(sys.argv[2]).iterdir()):
        if file.suffix not in (".keras", ".h5"):
            continue
        keras.backend.clear_session()
        try:
            model = keras.models.load_model(file, compile=False)
            found[file.stem] = difference(model, file.with_suffix(".npz"))
            for folder in sys.argv[3:]:
                model.save(Path(folder, file.name))
        except Exception as error:  # whatever Keras raises is the answer
            found[file.stem] = " ".join(str(error).split()) or type(error).__name__
    print(json.dumps(found))


if __name__ == "__main__":
    main()
