"""Trains and measures recipes, stores their metrics in `results.json`, and writes the page `results.md`."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...models import describe, list_models
from ..data import dataset as data
from ..errors import BadFolder, UnknownRun
from ..figures.gradients_over_depth import Curves
from ..figures.slow import LEVELS
from ..fingerprint import fingerprint
from ..pictures import gradients_over_time, plots
from ..recipe import Recipe, load_recipe, load_recipes
from ..runs import Run
from ..saving import RECIPE_SETTINGS
from ..settings import TrainConfig
from ..tasks import TASKS
from ..tasks.classification import MOVES
from ..train import train
from ..unfinished import plain
from .page import page

FILE = "results.json"
PAGE = "results.md"
PICTURES = "pictures"
COLOURS = 128
MOVED_DATASET = "mnist_5k"  # the recipes with this name are drawn in one picture
NOISES = {"gaussian": "standard deviation of the noise", "masking": "share of the values set to 0"}

# Hyperparameters that depend on the dataset.
BY_DATASET = {
    *("image_shape", "input_shape", "classes", "outputs", "features", "horizon"),
    *("tokens", "output_tokens", "categories"),
}

# model → recipe → {"parameters", "code_dim", "command", "seeds": {seed: figures}}, and of runs that have a fingerprint,
# "fingerprints": {seed: fingerprint} and "versions": {seed: {package: version}}
Results = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class RecipeName:
    """The name of a recipe to measure: a model, and one of its recipes."""

    model: str
    recipe: str

    @classmethod
    def parse(cls, text: str) -> list["RecipeName"]:
        """Parses `MODEL` (all recipes of the model) or `MODEL/RECIPE` (one recipe).

        Raises:
            UnknownModel: no model has this name.
            UnknownRecipe: the model has no recipe with this name.
        """
        model, _, recipe = text.partition("/")
        if recipe:
            load_recipe(model, recipe)
            return [cls(model, recipe)]
        return [cls(model, name) for name in load_recipes(model)]


def all_recipes() -> list[RecipeName]:
    """Returns all recipes of all models."""
    return [each for model in list_models() for each in RecipeName.parse(model)]


def results(
    recipes: Sequence[RecipeName],
    seeds: Sequence[int] = (0,),
    docs: str | Path = "docs",
    runs: str | Path = "runs",
    report: Callable[[str], None] = print,
) -> Path:
    """Trains and measures each recipe with each seed, and updates the page.

    If `runs` contains a finished run of the same recipe and seed, this run is measured and nothing is trained. The
    metrics of a run are stored as soon as they are measured.

    Args:
        recipes: the recipes. If there are none, only the page is written.
        seeds: seeds of the training runs. The pictures are from the first seed.
        docs: folder of `results.json`, `results.md` and `pictures/<model>/<recipe>/`.
        runs: folder of all runs.
        report: called with progress messages.

    Returns:
        The path of the page.

    Raises:
        GalleryError: `train` raises this error, or `results.json` cannot be read.
        KeyboardInterrupt: Ctrl-C was pressed. The metrics that were measured before are stored.
    """
    docs = Path(docs)
    known = load_results(docs)
    for number, each in enumerate(recipes, 1):
        recipe = load_recipe(each.model, each.recipe)
        for seed in seeds:
            report(f"[{number}/{len(recipes)}] {each.model}/{each.recipe}, seed {seed}")
            run = finished_run(each, seed, runs) or train(TrainConfig(each.model, each.recipe, seed=seed, root=runs))
            if run.interrupted:
                raise KeyboardInterrupt
            figures = figures_of(run, recipe, report)
            row = known.setdefault(each.model, {}).setdefault(each.recipe, {"seeds": {}})
            row |= {
                "parameters": run.metrics["parameters"],
                "code_dim": run.metrics.get("code_dim"),
                "command": _command(each, run),
            }
            row["seeds"][str(seed)] = figures
            for part in ("fingerprints", "versions"):
                row.get(part, {}).pop(str(seed), None)
            if code := run.config.get("code"):
                row.setdefault("fingerprints", {})[str(seed)] = fingerprint(recipe, code)
                row.setdefault("versions", {})[str(seed)] = run.config["versions"]
            if seed == seeds[0]:
                _copy_pictures(docs / PICTURES / each.model / each.recipe, run, figures)
            draw_moved(docs / PICTURES / "moved.png", known)
            gradients_over_time.draw_all(docs / PICTURES, known)
            _write(docs / FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")
            _write(docs / PAGE, page(known))
    _write(docs / PAGE, page(known))
    return docs / PAGE


def load_results(docs: Path) -> Results:
    """Returns the results in `results.json`, or {} if there is no such file.

    Raises:
        BadFolder: the file cannot be read.
    """
    try:
        known: Results = json.loads((docs / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadFolder(f"Cannot read the results in {docs / FILE}: {error}.") from None
    return known


def finished_run(recipe_name: RecipeName, seed: int, runs: str | Path) -> Run | None:
    """Returns the newest uninterrupted run with exactly the settings of this recipe and this seed.

    Returns None if there is no such run.
    """
    recipe = load_recipe(recipe_name.model, recipe_name.recipe)
    keys = (*RECIPE_SETTINGS, "dataset", "epochs", "batch_size", "learning_rate")
    settings = {"seed": seed, "interrupted": False, "vectors": None} | plain(
        {key: getattr(recipe, key) for key in keys}
    )
    defaults = {each.name: each.default for each in describe(recipe_name.model).hyperparameters}
    hyperparameters = json.loads(json.dumps(defaults | dict(recipe.hyperparameters)))  # tuples become lists
    by_dataset = BY_DATASET - set(recipe.hyperparameters)
    for folder in sorted(Path(runs, recipe_name.model).glob("[0-9]*"), reverse=True):
        try:
            run = Run.load(folder)
        except UnknownRun:
            continue
        saved = dict(run.config["hyperparameters"])
        same = saved == hyperparameters | {name: saved[name] for name in by_dataset & saved.keys()}
        if same and all(run.config.get(key) == value for key, value in settings.items()):
            return run
    return None


def figures_of(run: Run, recipe: Recipe, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Returns the stored metrics of a run, and the metrics of `Task.measure`, which take minutes to compute."""
    task = TASKS[recipe.task](recipe, data.load(recipe.dataset), run.config["seed"])
    return dict(run.metrics) | task.measure(run.model, report)


def draw_moved(path: Path, known: Results) -> None:
    """Draws the accuracy on moved images of all recipes with the name `MOVED_DATASET`, if there are such results."""
    curves = {}
    for model, recipes in sorted(known.items()):
        for name, row in recipes.items():
            figures = next(iter(row["seeds"].values()))
            if "moved_1" in figures and name == MOVED_DATASET:
                curves[model] = [figures["accuracy"], *(figures[f"moved_{pixels}"] for pixels in MOVES)]
    if curves:
        path.parent.mkdir(parents=True, exist_ok=True)
        title = f"Accuracy on moved images of {MOVED_DATASET}"
        plots.lines(path, title, (0, *MOVES), curves, "pixels", "accuracy")


def draw_gradient_norms(path: Path, title: str, norms: Curves) -> None:
    """Draws the first layer's gradient norm over the number of layers, for each variant of the network."""
    layers = [int(depth) for depth in next(iter(norms.values()))]
    curves = {name: list(by_depth.values()) for name, by_depth in norms.items()}
    plots.lines(path, title, layers, curves, "layers with weights", "gradient norm of the first layer", log=True)


def _command(recipe: RecipeName, run: Run) -> str:
    backend = run.config["backend"]
    command = f"gallery train {recipe.model} --recipe {recipe.recipe}"
    return command if backend == "tensorflow" else f"KERAS_BACKEND={backend} {command}"


def _copy_pictures(folder: Path, run: Run, figures: dict[str, Any]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for picture in (run.folder / "pictures").glob("*.png"):
        with Image.open(picture) as image:  # with fewer colours, the file is a third as large
            image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(folder / picture.name, optimize=True)
    title = f"{run.config['model']}, {run.config['dataset']}"
    for kind, curves in figures.get("sweep", {}).items():
        path = folder / f"psnr_{kind}.png"
        plots.lines(path, f"{title}: PSNR under noise", LEVELS, curves["psnr"], NOISES[kind], "PSNR in dB")
    if norms := figures.get("gradient_norms"):
        draw_gradient_norms(folder / "gradient_norms.png", f"{title}: before training", norms)
    gradients_over_time.draw(folder, title, figures)


def _write(path: Path, text: str) -> None:
    """Writes a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
