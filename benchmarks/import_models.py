"""Measures `gallery import` of image models of real size, in turns with what Keras itself needs for the same file.

Keras loads the file and exports it as a SavedModel, in one new process. The seconds of CPU are those of all processes
of a command. They depend less on other programs than the seconds that pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from serve_common import megabytes

MODELS = ("MobileNetV2", "ResNet50", "EfficientNetB0")
ENVIRONMENT = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
CREATE = "import sys, keras; getattr(keras.applications, sys.argv[1])(weights=None).save(sys.argv[2])"
KERAS = "import sys, keras; keras.saving.load_model(sys.argv[1]).export(sys.argv[2], verbose=False)"
START_SECONDS = 300.0


class Cost(NamedTuple):
    """What a command has used: seconds, seconds of CPU, and the memory of its largest process in MB."""

    seconds: float
    cpu: float
    megabytes: float


def cost_of(*command: str) -> Cost:
    """Runs a command, and measures it together with the processes that it starts."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3)


def size_of(folder: Path) -> float:
    """Returns the size of all files below a folder in MB."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6


def memory_of_server(model: Path, name: str, workers: int) -> float:
    """Returns the memory in MB of a server that has loaded and warmed up a model. Shared memory counts once."""
    ports = {"port": free_port(), "rest_port": free_port()}
    flags = (f"--workers={workers}",)
    log = model.parent / "log"
    with ServerProcess("embedded", {name: model}, **ports, host="127.0.0.1", flags=flags, log=log) as server:
        server.wait_until_ready(START_SECONDS)
        assert server.process is not None
        return megabytes(server.process.pid)


def measure(name: str, folder: Path, rounds: int, workers: int) -> None:
    """Prints the costs of one model."""
    file = folder / f"{name}.keras"
    subprocess.run([sys.executable, "-c", CREATE, name, str(file)], env=ENVIRONMENT, check=True, capture_output=True)
    by_keras, by_import = [], []
    for turn in range(rounds):
        by_keras.append(cost_of(sys.executable, "-c", KERAS, str(file), str(folder / f"keras-{name}-{turn}")))
        command = (
            sys.executable,
            "-m",
            "keras_gallery.cli.main",
            "import",
            str(file),
            "--saved-models",
            str(folder / "m"),
        )
        by_import.append(cost_of(*command))
    sizes = size_of(folder / f"keras-{name}-0"), size_of(folder / "m" / name.lower() / "1")
    memory = memory_of_server(folder / "m" / name.lower(), name.lower(), workers)
    print(f"{name}: file {file.stat().st_size / 1e6:.0f} MB; server with {workers} workers {memory:.0f} MB")
    for what, costs, size in (("keras", by_keras, sizes[0]), ("import", by_import, sizes[1])):
        seconds, cpu, largest = (median(each) for each in zip(*costs, strict=True))
        print(f"    {what:8}{seconds:6.1f} s{cpu:8.1f} s CPU{largest:8.0f} MB memory{size:8.0f} MB on disk")
    ratios = [(b.seconds / a.seconds, b.cpu / a.cpu) for a, b in zip(by_keras, by_import, strict=True)]
    print("    ratio in each round (seconds, CPU):", ", ".join(f"{a:.1f} {b:.1f}" for a, b in ratios), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS, help="names in keras.applications")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each model")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models:
            measure(name, Path(folder), options.rounds, options.workers)


if __name__ == "__main__":
    main()
