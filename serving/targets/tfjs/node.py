"""TensorFlow.js's own answers: its npm packages, run by Node.

The packages are looked for in the folder that GALLERY_NODE_MODULES names, else in `node_modules` of the working
directory.
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
_SECONDS = 300  # for one call


def modules(names: tuple[str, ...]) -> Path:
    """The folder of npm packages. Raises FailedPrecondition where Node or one of `names` is missing."""
    if shutil.which("node") is None:
        raise FailedPrecondition("Expected Node, to run TensorFlow.js. Received: no program node (see nodejs.org)")
    folder = Path(os.environ.get(VARIABLE) or "node_modules").absolute()
    packages = [f"@tensorflow/tfjs-{name}" for name in names]
    missing = [package for package in packages if not Path(folder, package, "package.json").is_file()]
    if missing:
        raise FailedPrecondition(
            f"Expected TensorFlow.js in {folder}. Received: no {', '.join(missing)} (npm install {' '.join(packages)}; "
            f"{VARIABLE} names another folder)"
        )
    return folder


def version() -> str:
    """TensorFlow.js's version."""
    package = Path(modules(GRAPH[:1]), "@tensorflow", "tfjs-core", "package.json")
    return str(json.loads(package.read_text("utf-8"))["version"])


def ask(file: Path, inputs: Arrays, names: tuple[str, ...]) -> Arrays:
    """What a model answers, by the names of its outputs.

    Args:
        file: its `model.json`.
        inputs: by the names of a graph model's signature. Those of a layers model are "0", "1" and so on, in order, as
            are its outputs.
        names: the packages that such a model needs: `GRAPH` or `LAYERS`.

    Raises:
        FailedPrecondition: they are not installed, or TensorFlow.js fails; its message is in the error.
    """
    environment = {**os.environ, "NODE_PATH": str(modules(names))}
    specs, data = encode(inputs)
    command = ["node", str(Path(__file__).with_name("runner.cjs")), str(file)]
    request = json.dumps(specs).encode() + b"\n" + data
    try:
        done = subprocess.run(command, input=request, capture_output=True, timeout=_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        raise FailedPrecondition(f"Expected an answer of TensorFlow.js. Received: none in {_SECONDS} s") from None
    if done.returncode:
        reason = [*done.stderr.decode(errors="replace").strip().splitlines(), f"status {done.returncode}"][0]
        raise FailedPrecondition(f"Expected an answer of TensorFlow.js. Received: {reason[:500]}")
    head, _, body = done.stdout.partition(b"\n")
    return dict(decode(json.loads(head), body))
