"""Compares `gallery encode` and other commands with a plain loop over `Client`, in pictures per second.

Makes pictures of noise, serves a denoising autoencoder that is not trained, and sends all pictures in turns: by the
loop (batches of 250 pictures), by the command with one file for all answers, and by the command with a file for each
answer. Each run is a new process, and its time includes the start of Python.

    python benchmarks/bulk.py --pictures 3000 --rounds 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from keras_gallery.serving.quiet import quiet_import
from PIL import Image
from serve_common import Table, progress, running

MODEL = "model"
TASKS = ("encode", "denoise", "reconstruct", "score")
COMMAND = "import sys; from keras_gallery.cli.main import main; sys.exit(main())"
# The arguments are the server, the model, the task, the folder of pictures and the output file.
LOOP = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from keras_gallery.serving.client import Client

server, model, task, folder, output = sys.argv[1:]
files = sorted(Path(folder).iterdir())

def content(file):
    if task in ("encode", "denoise"):
        return file.read_bytes()
    return np.asarray(Image.open(file), np.float32)[..., None] / 255  # the task has no signature for image files

with Client(server) as client:
    batches = [files[start : start + 250] for start in range(0, len(files), 250)]
    answers = [getattr(client, task)(model, [content(file) for file in batch]) for batch in batches]
    np.save(output, np.concatenate(answers))
"""


def make_pictures(folder: Path, count: int) -> None:
    """Writes pictures of 28x28 grey pixels."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{number:06}.png")


def export_model(folder: Path) -> None:
    with quiet_import():
        from keras_gallery.models import create
        from keras_gallery.serving.export.writing import export

        export(create("denoising_autoencoder"), MODEL, folder)


def seconds(*command: str) -> float:
    """Runs Python in a new process. Returns the time in seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(task: str, server: str, pictures: Path, rounds: int, folder: Path) -> dict[str, object]:
    """Returns a row of the table."""
    count = len(list(pictures.iterdir()))
    options = [task, MODEL, str(pictures), "--server", server]
    found: dict[str, list[float]] = {"loop": [], "one file": [], "many files": []}
    for number in range(rounds):
        progress(f"{task}, round {number + 1} of {rounds}")
        found["loop"].append(seconds("-c", LOOP, server, MODEL, task, str(pictures), str(folder / "loop.npy")))
        found["one file"].append(seconds("-c", COMMAND, *options, "--output", str(folder / "all.npz")))
        if task != "score":  # `gallery score` prints its answers
            found["many files"].append(seconds("-c", COMMAND, *options, "--output", str(folder / f"{task}-{number}")))
    ratios = [loop / one for loop, one in zip(found["loop"], found["one file"], strict=True)]
    rates = {f"{name}, pictures/s": count / median(each) if each else "" for name, each in found.items()}
    return {"task": task, **rates, "one file / loop": f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="worker processes of the server (default: one per core)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bulk-") as name:
        folder = Path(name)
        pictures = folder / "pictures"
        make_pictures(pictures, options.pictures)
        options.models = folder / "models"
        export_model(options.models)
        with running(options, [MODEL]) as server:
            seconds("-c", LOOP, server.grpc, MODEL, "encode", str(pictures), str(folder / "loop.npy"))  # warm up
            rows = [measure(task, server.grpc, pictures, options.rounds, folder) for task in TASKS]
    print(Table(f"{options.pictures:,} pictures, median of {options.rounds} rounds", rows).markdown())


if __name__ == "__main__":
    main()
