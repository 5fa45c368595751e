"""Writes the trained models that come with Keras Gallery, from finished runs of the default recipes.

    python -m tools.pretrained RUNS [NAME ...]

RUNS is a folder of runs, as `gallery train NAME --seed 0` writes them. Without names, takes all models with a run.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from keras_gallery.pretrained import FOLDER
from keras_gallery.training import Run, evaluation, load, load_recipe
from keras_gallery.training.data.example_inputs import example_inputs
from PIL import Image

from keras_gallery import training

WEIGHTS = "model.weights.h5"
MANY = 1024  # values; smaller arrays, such as the means of the inputs, stay in single precision
KEPT = ("history.json", "tokens.json")
OF_THE_MACHINE = ("seconds", "images_per_second")
# The pictures that say most about a model come first. MOST_PICTURES of a run are copied.
PICTURES = (
    *(
        "denoised",
        "colorized",
        "samples",
        "boxes",
        "masks",
        "forecast",
        "captions",
        "tags",
        "words",
        "month_neighbours",
    ),
    *("reconstructed", "mistakes", "features", "confusion", "codes", "sum", "progression", "neighbours", "temperature"),
    *("errors", "learning_curve"),
)
MOST_PICTURES = 2
PICTURE_BYTES = 40_000  # most bytes of a picture
WIDTHS, COLOURS = (900, 750, 600, 450, 300), 64  # pixels: the first width at which the file is small enough


def main(runs: str, names: list[str]) -> None:
    for name in names or sorted(each.name for each in Path(runs).iterdir()):
        run = training.runs.latest_run(name, runs)
        check(run, name)
        write(run, FOLDER / name)
        print(f"{name}: {(FOLDER / name / 'model.keras').stat().st_size:,} bytes", flush=True)


def check(run: Run, name: str) -> None:
    """Raises ValueError if the run is not a whole run of the default recipe, with seed 0."""
    recipe = load_recipe(name)
    wanted = {"epochs": recipe.epochs, "epochs_done": recipe.epochs, "dataset": recipe.dataset, "seed": 0}
    found = {each: run.config[each] for each in wanted}
    if found != wanted:
        raise ValueError(f"{run.folder}: expected {wanted}. Received: {found}")


def write(run: Run, folder: Path) -> None:
    """Writes the run with half precision, and the figures of these weights."""
    folder.mkdir(exist_ok=True)
    for name in KEPT:
        if (run.folder / name).exists():
            shutil.copy(run.folder / name, folder)
    _write_json(folder / "config.json", {**run.config, "root": "runs"})
    _write_json(folder / "metrics.json", run.metrics)
    halve(run.folder / "model.keras", folder / "model.keras")
    found = evaluation.evaluate(Run.load(folder)).metrics
    metrics = {name: found.get(name, value) for name, value in run.metrics.items() if name not in OF_THE_MACHINE}
    _write_json(folder / "metrics.json", metrics)
    dataset = load(str(run.config["dataset"]))
    if inputs := example_inputs(dataset):
        _write_json(folder / "inputs.json", inputs)
    card = {
        "data": dataset.source,
        "command": f"gallery train {run.config['model']} --seed 0",
        "backend": run.config["backend"],
        "sha256": hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest(),
    }
    _write_json(folder / "card.json", card)
    copy_pictures(run.folder / "pictures", folder / "pictures")


def copy_pictures(source: Path, target: Path) -> None:
    """Copies the first of `PICTURES` that are in `source`, reduced to `PICTURE_BYTES` each. Removes other pictures."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    found = [file for name in PICTURES if (file := source / f"{name}.png").exists()]
    for file in found[:MOST_PICTURES]:
        (target / file.name).write_bytes(reduced(file))


def reduced(file: Path) -> bytes:
    """Returns a picture as a PNG file with a palette, of at most `PICTURE_BYTES`."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    for width in WIDTHS:
        smaller = picture.copy()
        smaller.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
        result = io.BytesIO()
        smaller.quantize(COLOURS, dither=Image.Dither.NONE).save(result, "PNG", optimize=True)
        if len(result.getvalue()) <= PICTURE_BYTES:
            return result.getvalue()
    raise ValueError(f"{file} is too large, even with a width of {WIDTHS[-1]} pixels.")


def halve(source: Path, target: Path) -> None:
    """Copies a .keras file, with its large weights in half precision. Keras reads them as single precision."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for name in old.namelist():
            content = old.read(name)
            entry = zipfile.ZipInfo(name)  # without the time, so that the same weights give the same file
            new.writestr(entry, _halved(content) if name == WEIGHTS else content, zipfile.ZIP_DEFLATED)


def _halved(content: bytes) -> bytes:
    result = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(result, "w") as new:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group):
                made = new.require_group(name)
            else:
                values = item[...]
                is_large = values.dtype == np.float32 and values.size >= MANY
                made = new.create_dataset(name, data=values.astype(np.float16) if is_large else values)
            made.attrs.update(item.attrs)

        old.visititems(copy)
        new.attrs.update(old.attrs)
    return result.getvalue()


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
