"""Runs a model file in a separate process that has Keras, but not this project."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FailedPrecondition
from ..signatures import Endpoint
from ..signatures.outputs import check_count

Arrays = dict[str, np.ndarray[Any, Any]]
_NAMES = {"keras": "Keras {}", "tf_keras": "Keras 2 (tf_keras {})"}


class FreshProcess:
    """Runs a model file in a separate process.

    A call takes a dict of input arrays and returns a dict of output arrays. The keys are the names of the endpoint's
    inputs and outputs. The process starts at once, and ends when this object is deleted.

    Args:
        package: "keras" or "tf_keras".
        place: the file.
        endpoint: the default endpoint of the model, which has the names and the order of inputs and outputs.

    Raises:
        FailedPrecondition: the package is not installed. A call raises FailedPrecondition if the process can't load or
            run the file.
    """

    def __init__(self, package: str, place: Path, endpoint: Endpoint) -> None:
        self.name = version(package)
        self._inputs = [spec.name for spec in endpoint.inputs]
        example = endpoint.example(1)
        self._outputs = list(endpoint.function(*(example[name] for name in self._inputs)))
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("keras_reader.py")), package, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._is_loaded = False
        weakref.finalize(self, _end, self._process)

    def __call__(self, inputs: Arrays) -> Arrays:
        if not self._is_loaded:
            self._wait()
            self._is_loaded = True
        with tempfile.TemporaryDirectory() as folder:
            numbered: Any = {str(at): inputs[name] for at, name in enumerate(self._inputs)}
            np.savez(Path(folder, "in.npz"), **numbered)
            print(folder, file=self._process.stdin, flush=True)
            self._wait()
            with np.load(Path(folder, "out.npz")) as outputs:
                check_count(f"the file in {self.name}", outputs.files, self._outputs)
                keys = {name: f"key:{name}" for name in self._outputs}
                return {
                    name: outputs[keys[name] if keys[name] in outputs else str(at)]
                    for at, name in enumerate(self._outputs)
                }

    def _wait(self) -> None:
        assert self._process.stdout
        line = self._process.stdout.readline().rstrip("\n")
        if line != "done":
            reason = line or f"the process ended with status {self._process.wait()}"
            raise FailedPrecondition(f"{self.name} cannot load the file without this project: {reason}")


def version(package: str) -> str:
    """Returns the name and version of a package, such as "Keras 3.15.1".

    Raises FailedPrecondition if the package is not installed.
    """
    try:
        return _NAMES[package].format(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        raise FailedPrecondition(f"{package} is not installed: pip install '.[convert]'") from None


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
