"""Runs models with TensorFlow.js's npm packages in Node.

The packages must be in the folder of the environment variable GALLERY_NODE_MODULES. The default is `node_modules` in
the working directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from ...errors import FailedPrecondition
from .weights import Arrays, decode, encode

VARIABLE = "GALLERY_NODE_MODULES"
GRAPH = ("core", "backend-cpu", "converter")
LAYERS = ("core", "backend-cpu", "layers")
_SECONDS = 300  # time limit of a run


def modules(names: tuple[str, ...]) -> Path:
    """Returns the folder of npm packages. Raises FailedPrecondition if Node or one of the packages is missing.

    Args:
        names: names of the packages, without "@tensorflow/tfjs-".
    """
    if shutil.which("node") is None:
        raise FailedPrecondition("TensorFlow.js needs Node: no program node on PATH (see nodejs.org)")
    folder = Path(os.environ.get(VARIABLE) or "node_modules").absolute()
    packages = [f"@tensorflow/tfjs-{name}" for name in names]
    missing = [package for package in packages if not Path(folder, package, "package.json").is_file()]
    if missing:
        raise FailedPrecondition(
            f"TensorFlow.js is not installed in {folder} (missing: {', '.join(missing)}): "
            f"npm install {' '.join(packages)} or set {VARIABLE} to another folder"
        )
    return folder


def version() -> str:
    """Returns the version of TensorFlow.js."""
    package = Path(modules(GRAPH[:1]), "@tensorflow", "tfjs-core", "package.json")
    return str(json.loads(package.read_text("utf-8"))["version"])


def ask(file: Path, inputs: Arrays, names: tuple[str, ...]) -> Arrays:
    """Runs a model and returns its outputs by name.

    Args:
        file: the model's `model.json`.
        inputs: arrays by the input names of a graph model's signature. The inputs and outputs of a layers model are
            named "0", "1" and so on, in the model's order.
        names: packages that the model needs: `GRAPH` or `LAYERS`.

    Returns:
        arrays by output name.

    Raises:
        FailedPrecondition: packages are missing, or TensorFlow.js fails. The error has TensorFlow.js's message.
    """
    environment = {**os.environ, "NODE_PATH": str(modules(names))}
    specs, data = encode(inputs)
    command = ["node", str(Path(__file__).with_name("runner.cjs")), str(file)]
    request = json.dumps(specs).encode() + b"\n" + data
    try:
        done = subprocess.run(command, input=request, capture_output=True, timeout=_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        raise FailedPrecondition(f"TensorFlow.js did not finish within {_SECONDS} s") from None
    if done.returncode:
        reason = [*done.stderr.decode(errors="replace").strip().splitlines(), f"status {done.returncode}"][0]
        raise FailedPrecondition(f"TensorFlow.js failed: {reason[:500]}")
    head, _, body = done.stdout.partition(b"\n")
    return dict(decode(json.loads(head), body))
