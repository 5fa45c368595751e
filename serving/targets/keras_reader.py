"""Loads and runs a model file with Keras 3 or Keras 2. This script needs Keras and NumPy, but not this project.

    python -I keras_reader.py keras|tf_keras FILE

The script prints the line "done" when the file is loaded. Then the script reads the path of a folder from each line of
the standard input. It reads `in.npz` in this folder (the model's inputs, by number), writes `out.npz` (the outputs, as
"key:" and their key in a dict, or by number), and prints "done". If an error occurs, the script prints the error in one
line and ends.
"""

import gc
import importlib
import os
import sys
from typing import Any

CAUSE = "Exception encountered: "
UNUSED = ("jax", "matplotlib", "pandas", "sklearn")  # Keras and TensorFlow import these packages if they are installed


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # output that the libraries print goes to stderr
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    # None: the import fails. This keeps Keras from importing this project's classes, and saves half of the time.
    sys.modules.update(dict.fromkeys(("keras_gallery", *UNUSED)))  # type: ignore[arg-type]
    gc.disable()  # during the import of many objects that exist until the process ends
    _, package, model_file = sys.argv
    import numpy as np

    try:
        library = importlib.import_module(package)
        if package == "keras":
            tree = library.tree
        else:
            tree = importlib.import_module("tensorflow").nest
        gc.freeze()
        gc.enable()
        model = library.models.load_model(model_file, compile=False)
        print("done", file=answers, flush=True)
        for line in sys.stdin:
            folder = line.rstrip("\n")
            with np.load(os.path.join(folder, "in.npz")) as file:
                inputs = [file[str(number)] for number in range(len(file.files))]
            outputs = model(tree.pack_sequence_as(model.input, inputs), training=False)
            if isinstance(outputs, dict) and all(hasattr(each, "shape") for each in outputs.values()):
                outputs = {f"key:{key}": value for key, value in outputs.items()}
            else:
                outputs = {str(number): value for number, value in enumerate(tree.flatten(outputs))}
            arrays: Any = {name: np.asarray(value) for name, value in outputs.items()}
            np.savez(os.path.join(folder, "out.npz"), **arrays)
            print("done", file=answers, flush=True)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        inner = [line for line in lines if line.startswith(CAUSE)]  # Keras wraps errors: the last line is the cause
        reason = inner[-1].removeprefix(CAUSE) if inner else lines[0]
        print(f"{type(error).__name__}: {reason[:300]}", file=answers, flush=True)


if __name__ == "__main__":
    main()
