"""Answers as a model file does where this project is not: run as a script, with Keras 3 or Keras 2 and NumPy alone.

    python -I keras_reader.py keras|tf_keras FILE

It writes the line "done" when the file is loaded. Then each line of the standard input names a folder with `in.npz`,
an array for each input of the model by its number; it is answered by `out.npz` there, the outputs by their keys or
numbers, and a line "done". What goes wrong is a line, too.
"""

import importlib
import os
import sys
from typing import Any

CAUSE = "Exception encountered: "


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the libraries have to say
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    sys.modules["keras_gallery"] = None  # type: ignore[assignment]  # Keras would import what a file names
    _, package, file = sys.argv
    import numpy as np

    try:
        library = importlib.import_module(package)
        if package == "keras":
            tree = library.tree
        else:
            tree = importlib.import_module("tensorflow").nest
        model = library.models.load_model(file, compile=False)
        print("done", file=answers, flush=True)
        for line in sys.stdin:
            folder = line.rstrip("\n")
            with np.load(os.path.join(folder, "in.npz")) as given:
                inputs = [given[str(number)] for number in range(len(given.files))]
            found = model(tree.pack_sequence_as(model.input, inputs), training=False)
            if not isinstance(found, dict):
                found = {str(number): value for number, value in enumerate(tree.flatten(found))}
            outputs: Any = {name: np.asarray(value) for name, value in found.items()}
            np.savez(os.path.join(folder, "out.npz"), **outputs)
            print("done", file=answers, flush=True)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        inner = [line for line in lines if line.startswith(CAUSE)]  # Keras wraps errors, the cause comes last
        reason = inner[-1].removeprefix(CAUSE) if inner else lines[0]
        print(f"{type(error).__name__}: {reason[:300]}", file=answers, flush=True)


if __name__ == "__main__":
    main()
