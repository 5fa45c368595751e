"""Trains on a folder of made pictures, and on `keras.utils.image_dataset_from_directory` with the same model.

    python benchmarks/pictures.py [--count 200000] [--batches 300] [--rounds 3] [--model convolutional_autoencoder]

The pictures are JPEG files of 128 × 96 pixels, in a temporary folder (`--folder` keeps them). Both contenders make
images of 64 × 64 × 3 in [0, 1] with the middle of each picture, in random order. They take turns, each in a new
process. The first batches are not timed. The program prints a table: the images per second, the CPU time for an image,
the time from the start of the reading to the first batch, and the peak memory of the process.

`--run` trains on the batches with `kg.train`, with the metrics and pictures that come after the training, and prints
the time and the peak memory. `--epoch` does the same with all pictures. `--data-only` reads the batches without a
model.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

HEIGHT, WIDTH, SIDE = 96, 128, 64
FOLDERS = 100
WARM_UP = 20  # batches
CONTENDERS = ("gallery", "keras")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200_000, help="number of pictures (default: 200000)")
    parser.add_argument("--batches", type=int, default=300, help="batches in a round (default: 300)")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures in a batch (default: 32)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--model", default="convolutional_autoencoder", help="an autoencoder, or convnet")
    parser.add_argument("--folder", help="folder of the pictures; it is made if it does not exist")
    parser.add_argument("--data-only", action="store_true", help="read the batches without a model")
    whole = parser.add_mutually_exclusive_group()
    whole.add_argument("--run", action="store_true", help="train on the batches with kg.train, and evaluate the model")
    whole.add_argument("--epoch", action="store_true", help="train a whole epoch with kg.train")
    parser.add_argument("--contender", choices=(*CONTENDERS, "run", "epoch"), help=argparse.SUPPRESS)  # a child process
    values = parser.parse_args()
    if values.contender:
        functions = {"gallery": gallery, "keras": keras_only, "run": whole_run, "epoch": whole_run}
        print(json.dumps(functions[values.contender](values)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        values.folder = values.folder or str(Path(temporary, "pictures"))
        make_pictures(Path(values.folder), values.count)
        contenders = ("epoch",) if values.epoch else ("run",) if values.run else CONTENDERS
        results: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
        for number in range(values.rounds):
            for name in contenders:
                print(f"round {number + 1} of {values.rounds}: {name}", file=sys.stderr)
                results[name].append(measure(values, name))
    what = "no model" if values.data_only else values.model
    print(f"\n{values.count:,} pictures, {what}, batches of {values.batch_size}, {os.cpu_count()} cores")
    for name, rounds in results.items():
        columns = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        print(f"{name:10}" + "".join(f"{key}: {value:,.2f}   " for key, value in columns.items()))
    return 0


def make_pictures(folder: Path, count: int) -> None:
    """Writes smooth random JPEG files in 100 subfolders, unless the folder exists."""
    if folder.exists():
        return
    with ProcessPoolExecutor() as pool:
        list(pool.map(_make_folder, [(folder / f"{number:03}", number, count) for number in range(FOLDERS)]))


def _make_folder(task: tuple[Path, int, int]) -> None:
    import numpy as np
    from PIL import Image

    folder, number, count = task
    folder.mkdir(parents=True)
    rng = np.random.default_rng(number)
    for index in range(number, count, FOLDERS):
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / f"{index:06}.jpg", quality=90)


def measure(values: argparse.Namespace, contender: str) -> dict[str, float]:
    """Runs a contender in a new process and returns its results."""
    command = [sys.executable, __file__, "--contender", contender, "--folder", values.folder, "--model", values.model]
    command += ["--batches", str(values.batches), "--batch-size", str(values.batch_size)]
    command += ["--data-only"] if values.data_only else []
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{contender} failed:\n{done.stderr[-2000:]}")
    results: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return results


def gallery(values: argparse.Namespace) -> dict[str, float]:
    """Trains on the batches that `kg.train(…, data=folder)` makes."""
    import keras_gallery.training.sources.pictures as pictures
    from keras_gallery.training.recipe import load_recipe
    from keras_gallery.training.sources.read import read
    from keras_gallery.training.sources.source import Source
    from keras_gallery.training.tasks import TASKS

    pictures.MOST_ARRAY_BYTES = 0  # also decodes a small number of pictures anew in each epoch
    started = time.perf_counter()
    recipe = load_recipe(values.model)
    dataset = read(Source(values.folder, size=(SIDE, SIDE)), values.model, recipe, seed=0)
    task = TASKS[recipe.task](recipe, dataset, 0)
    model = compiled(values.model, len(dataset.labels))
    return run(values, task.batches(model, values.batch_size, 0)["x"].dataset(), model, started)


def keras_only(values: argparse.Namespace) -> dict[str, float]:
    """Trains on `image_dataset_from_directory`."""
    import keras
    from keras_gallery.training.recipe import load_recipe

    started = time.perf_counter()
    dataset: Any = keras.utils.image_dataset_from_directory(
        values.folder,
        batch_size=values.batch_size,
        image_size=(SIDE, SIDE),
        crop_to_aspect_ratio=True,
        seed=0,
        verbose=False,
    )
    if load_recipe(values.model).task == "classify":
        dataset = dataset.map(lambda images, labels: (images / 255.0, labels))
    else:
        dataset = dataset.map(lambda images, labels: (images / 255.0, images / 255.0))
    return run(values, dataset, compiled(values.model, FOLDERS), started)


def compiled(name: str, classes: int) -> Any:
    """Returns the same compiled model for each contender."""
    import keras
    from keras_gallery.models import create
    from keras_gallery.training.fitting import compile_options
    from keras_gallery.training.recipe import load_recipe

    recipe = load_recipe(name)
    given: dict[str, Any] = {**recipe.hyperparameters, "image_shape": (SIDE, SIDE, 3)}
    model = create(name, **given, **({"classes": classes} if recipe.task == "classify" else {}))
    loss = "sparse_categorical_crossentropy" if recipe.task == "classify" else "binary_crossentropy"
    model.compile(keras.optimizers.Adam(1e-3), loss, **compile_options(recipe.xla))
    return model


def run(values: argparse.Namespace, data: Any, model: Any, started: float) -> dict[str, float]:
    """Reads or trains on some batches, and returns the results."""
    import keras

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.first = self.start = self.end = 0.0
            self.cpu = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            now = time.perf_counter()
            self.first = self.first or now
            if batch == WARM_UP - 1:
                self.start, self.cpu = now, time.process_time()
            if batch == WARM_UP + values.batches - 1:
                self.end, self.cpu = now, time.process_time() - self.cpu
                self.model.stop_training = True
                raise StopIteration

    clock = Clock()
    if values.data_only:
        clock.set_model(model)
        iterator = iter(data)
        try:
            for batch in range(WARM_UP + values.batches):
                next(iterator)
                clock.on_train_batch_end(batch)
        except StopIteration:
            pass
    else:
        try:
            model.fit(data, epochs=1, verbose=0, callbacks=[clock])
        except StopIteration:
            pass
    count = values.batches * values.batch_size
    return {
        "images/s": count / (clock.end - clock.start),
        "CPU ms/image": 1000 * clock.cpu / count,
        "first batch s": clock.first - started,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def whole_run(values: argparse.Namespace) -> dict[str, float]:
    """Trains an epoch with `kg.train`: of all pictures, or of some batches."""
    from keras_gallery.training.sources.pictures_batches import PictureBatches

    import keras_gallery as kg

    if values.contender == "run":
        PictureBatches.__len__ = lambda self: values.batches  # type: ignore[method-assign]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as runs:
        trained = kg.train(values.model, data=values.folder, size=(SIDE, SIDE), epochs=1, runs=runs)
        return {
            "training s": float(trained.metrics["seconds"]),
            "CPU s": time.process_time(),
            "seconds": time.perf_counter() - started,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


if __name__ == "__main__":
    sys.exit(main())
